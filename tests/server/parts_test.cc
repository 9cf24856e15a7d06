// The parts of the server that need no engine: requests, routes, keys, waiters, threads, figures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <functional>

#include "tests/support/temporary_directory.h"
#include "tools/server/admin_key.h"
#include "tools/server/answer_json.h"
#include "tools/server/applied_waiters.h"
#include "tools/server/data_directory.h"
#include "tools/server/http.h"
#include "tools/server/metrics.h"
#include "tools/server/router.h"
#include "tools/server/work_pool.h"

namespace tenure {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

TEST(PercentDecode, DecodesAndRefusesBrokenEscapes) {
  EXPECT_EQ(percent_decode("a%41%2f+b", false).value(), "aA/+b");
  EXPECT_EQ(percent_decode("a+b%2B", true).value(), "a b+");
  for (const char* broken : {"%", "%4", "a%4", "%zz", "%4g"}) {
    EXPECT_FALSE(percent_decode(broken, false)) << broken;
  }
}

TEST(ParseQuery, GivesNamesAndValuesInOrder) {
  EXPECT_THAT(
      parse_query("as=user%3Abob&limit=5&&flag&x=").value(),
      ElementsAre(Pair("as", "user:bob"), Pair("limit", "5"), Pair("flag", ""), Pair("x", "")));
  EXPECT_TRUE(parse_query("").value().empty());
  EXPECT_FALSE(parse_query("a=%"));
}

TEST(Problem, EscapesWhatItSays) {
  Response response = problem(503, "unavailable", "a \"quoted\"\nline");
  EXPECT_THAT(response.body, HasSubstr(R"("detail":"a \"quoted\"\nline")"));
  EXPECT_THAT(response.headers, ElementsAre(Pair("Retry-After", "1")));
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (auto [method, pattern] : {std::pair{Method::kGet, "/"},
                                   {Method::kGet, "/v1/orgs/{org}"},
                                   {Method::kGet, "/v1/orgs/{org}/spaces/{space}"},
                                   {Method::kPost, "/v1/orgs/{org}"}}) {
      router_.add({method, pattern, "", Access::kKey, {}, {}, {}, {}});
    }
  }
  std::string pattern_of(Method method, std::string_view path) {
    auto match = router_.match(method, path);
    return match && match->route != nullptr ? std::string(match->route->pattern) : "none";
  }
  Router router_;
};

TEST_F(RouterTest, FitsWholeSegmentsOnly) {
  EXPECT_EQ(pattern_of(Method::kGet, "/"), "/");
  EXPECT_EQ(pattern_of(Method::kGet, "/v1/orgs/acme"), "/v1/orgs/{org}");
  for (const char* path : {"", "v1/orgs/acme", "/v1/orgs", "/v1/orgs/", "/v1/orgs/acme/",
                           "/v1/orgs//spaces/x", "/v1/orgs/a/b", "//", "/v1/orgsx/acme"}) {
    EXPECT_EQ(pattern_of(Method::kGet, path), "none") << path;
  }
}

TEST_F(RouterTest, DecodesValuesAfterTheSplit) {
  auto match = router_.match(Method::kGet, "/v1/orgs/a%2Fb/spaces/c%20d");
  ASSERT_TRUE(match && match->route != nullptr);
  EXPECT_THAT(match->values, ElementsAre("a/b", "c d"));
  EXPECT_FALSE(router_.match(Method::kGet, "/v1/orgs/%"));
}

TEST_F(RouterTest, NamesTheMethodsOfAPath) {
  auto match = router_.match(Method::kOther, "/v1/orgs/acme");
  EXPECT_EQ(match->route, nullptr);
  EXPECT_EQ(match->allow, "GET, POST");
}

TEST(AdminKey, AdmitsTheKeyAlone) {
  auto opened = AdminKey::open("/nowhere", "a-chosen-key-of-length");
  ASSERT_TRUE(opened);
  const AdminKey& key = opened->key;
  EXPECT_FALSE(opened->generated);
  EXPECT_TRUE(key.admits(hash_of_key("a-chosen-key-of-length")));
  for (const char* wrong : {"", "a-chosen-key-of-lengt", "a-chosen-key-of-length ", "x"}) {
    EXPECT_FALSE(key.admits(hash_of_key(wrong))) << wrong;
  }
}

TEST(AdminKey, GeneratesOnceAndKeepsOnlyTheHash) {
  test::TemporaryDirectory directory;
  auto first = AdminKey::open(directory.path(), std::nullopt);
  ASSERT_TRUE(first && first->generated);
  auto second = AdminKey::open(directory.path(), std::nullopt);
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->generated);
  EXPECT_TRUE(second->key.admits(hash_of_key(*first->generated)));
  EXPECT_FALSE(second->key.admits(hash_of_key("tnr_" + std::string(64, '0'))));
}

TEST(AdminKey, RefusesAShortKeyAndADamagedHash) {
  EXPECT_EQ(AdminKey::open("/nowhere", "short").error().kind, ErrorKind::kInvalid);
  test::TemporaryDirectory directory;
  std::ofstream(directory.path() + "/admin_key.sha256") << "not a hash";
  EXPECT_EQ(AdminKey::open(directory.path(), std::nullopt).error().kind, ErrorKind::kCorrupt);
}

class ServiceKey : public testing::Test {
 protected:
  ServiceKey() { services_.keys["k_1"] = {.service = "meter", .hash = key_.hash, .expires = {}}; }
  std::optional<std::string> holder(std::string_view text) const {
    return holder_of_key(&services_, text, hash_of_key(text), from_micros(1000));
  }

  const NewServiceKey key_ = new_service_key("k_1");
  Services services_;
};

TEST_F(ServiceKey, IsItsServicesAndNothingLikeItIs) {
  EXPECT_TRUE(key_.text.starts_with("tnr_k_1_"));
  EXPECT_EQ(holder(key_.text), "meter");
  EXPECT_NE(new_service_key("k_1").text, key_.text);
  EXPECT_EQ(holder_of_key(nullptr, key_.text, key_.hash, {}), std::nullopt);
  for (size_t at = 0; at < key_.text.size(); ++at) {
    std::string wrong = key_.text;
    wrong[at] ^= 1;
    EXPECT_EQ(holder(wrong), std::nullopt) << wrong;
    EXPECT_EQ(holder(std::string_view(key_.text).substr(0, at)), std::nullopt);
  }
  EXPECT_EQ(holder(key_.text + "0"), std::nullopt);
}

TEST_F(ServiceKey, EndsByRevocationAndByTime) {
  services_.keys["k_1"].expires = from_micros(1001);
  EXPECT_EQ(holder(key_.text), "meter");
  services_.keys["k_1"].expires = from_micros(1000);
  EXPECT_EQ(holder(key_.text), std::nullopt);
  services_.keys["k_1"].expires.reset();
  services_.keys["k_1"].revoked = true;
  EXPECT_EQ(holder(key_.text), std::nullopt);
}

TEST(Principal, NobodyMayDoNothing) {
  EXPECT_FALSE(Principal().may_act_as("service:", "acme"));
  EXPECT_FALSE(Principal().may_act_as("user:alice", "acme"));
  EXPECT_FALSE(Principal().viewer("", "acme"));
  EXPECT_FALSE(Principal().viewer("service:admin", ""));
  EXPECT_FALSE(Principal().audits_everything());
}

TEST(AppliedWaiters, TellsEachOnceWhetherItCame) {
  AppliedWaiters waiters;
  std::vector<std::pair<int, bool>> told;
  auto now = std::chrono::steady_clock::now();
  auto wait = [&](int name, uint64_t number, std::chrono::seconds patience) {
    return waiters.wait(Number{number}, now + patience,
                        [&told, name](bool applied) { told.emplace_back(name, applied); });
  };
  waiters.advance(Number{10});
  EXPECT_FALSE(wait(1, 9, 1s));
  EXPECT_TRUE(wait(2, 10, 1s));
  EXPECT_TRUE(wait(3, 11, 1s));
  EXPECT_TRUE(wait(4, 12, 5s));
  EXPECT_EQ(waiters.next_deadline(), now + 1s);
  waiters.advance(Number{11});
  waiters.expire(now + 2s);
  waiters.expire(now + 2s);
  EXPECT_THAT(told, ElementsAre(Pair(1, true), Pair(2, true), Pair(3, false)));
  waiters.give_up();
  EXPECT_FALSE(wait(5, 99, 9s));
  EXPECT_THAT(told, ElementsAre(Pair(1, true), Pair(2, true), Pair(3, false), Pair(4, false),
                                Pair(5, false)));
}

TEST(WorkPool, FinishesWhatItTookAndRefusesBeyondItsBound) {
  std::atomic<int> done = 0;
  {
    WorkPool pool(2, 100);
    int taken = 0;
    for (int i = 0; i < 100; ++i) taken += pool.submit([&] { ++done; }) ? 1 : 0;
    EXPECT_EQ(taken, 100);
  }
  EXPECT_EQ(done, 100);
  WorkPool none(0, 1);
  EXPECT_TRUE(none.submit([] {}));
  EXPECT_FALSE(none.submit([] {}));
}

TEST(WorkPool, OfLowPriorityGivesWayToTheOtherThreads) {
  const int ours = ::getpriority(PRIO_PROCESS, 0);
  int usual = 0, low = 0;
  {
    WorkPool one(1, 1);
    EXPECT_TRUE(one.submit([&] { usual = ::getpriority(PRIO_PROCESS, 0); }));
    WorkPool other(1, 1, WorkPool::Priority::kLow);
    EXPECT_TRUE(other.submit([&] { low = ::getpriority(PRIO_PROCESS, 0); }));
  }
  EXPECT_EQ(usual, ours);
  EXPECT_GT(low, ours);
}

TEST(WorkPool, WhenItStopsWhatWaitsIsAnsweredInstead) {
  std::vector<std::string> done;
  const auto note = [&done](const char* what) {
    return [&done, what] { done.emplace_back(what); };
  };
  WorkPool pool(0, 100);
  EXPECT_TRUE(pool.submit(note("read"), note("no read")));
  EXPECT_TRUE(pool.submit(note("must be done")));
  EXPECT_TRUE(pool.submit(note("another"), note("no other")));
  EXPECT_FALSE(pool.stopping().stop_requested());
  pool.stop();
  EXPECT_TRUE(pool.stopping().stop_requested());
  EXPECT_THAT(done, ElementsAre("no read", "no other"));
  EXPECT_FALSE(pool.submit(note("late"), note("not late")));
  pool.stop();
  EXPECT_EQ(done.size(), 2u);
}

TEST(BusiestOrganizations, KeepsTheBusyOnesInBoundedMemory) {
  BusiestOrganizations busiest;
  for (int i = 0; i < 20000; ++i) {
    busiest.count("whale");
    busiest.count("minnow-" + std::to_string(i));
  }
  EXPECT_LE(busiest.counts().size(), 16u);
  ASSERT_TRUE(busiest.counts().contains("whale"));
  for (const auto& [org, count] : busiest.counts()) {
    EXPECT_LE(count, busiest.counts().at("whale")) << org;
  }
}

// Who waited in vain must send it again, whether or not it was decided; who was refused need not.
TEST(AnswerJson, OnlyARefusalSaysThatNothingWasRecorded) {
  const auto line_of = [](const Undecided& undecided) {
    std::string line;
    append_line(undecided, 7, line);
    return line;
  };
  const std::string unknown = line_of({503, "unavailable", "retry with the same id"});
  EXPECT_THAT(unknown, StartsWith(R"({"outcome":"unavailable","line":7,)"));
  EXPECT_THAT(unknown, Not(HasSubstr("nothing of this command was recorded")));
  EXPECT_THAT(unknown, HasSubstr("the same id gives the one decision"));
  const std::string refused = line_of({400, "malformed", "no JSON"});
  EXPECT_THAT(refused, StartsWith(R"({"outcome":"rejected","line":7,)"));
  EXPECT_THAT(refused, HasSubstr("nothing of this command was recorded"));
}

TEST(DataDirectory, TakesAnEmptyOneAndItsOwn) {
  test::TemporaryDirectory directory;
  EXPECT_TRUE(DataDirectory::create(directory.path()));
  EXPECT_TRUE(DataDirectory::create(directory.path() + "/new/deep"));
  std::filesystem::create_directory(directory.path() + "/log");
  EXPECT_TRUE(DataDirectory::create(directory.path()));
  EXPECT_TRUE(DataDirectory::existing(directory.path()));
}

TEST(DataDirectory, RefusesWhatHoldsSomethingElse) {
  test::TemporaryDirectory directory;
  std::ofstream(directory.path() + "/thesis.tex") << "precious";
  EXPECT_EQ(DataDirectory::create(directory.path()).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(DataDirectory::existing(directory.path()).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(DataDirectory::existing(directory.path() + "/none").error().kind, ErrorKind::kNotFound);
}

// Each is alone what an alarm is set on.
TEST(Metrics, SayWhichPartFailsAndOfNoOther) {
  const struct {
    const char* metric;
    std::function<std::string&(HostStats&)> why;
  } parts[] = {
      {"tenure_log_refusing", [](auto& host) -> auto& { return host.log_refusal; }},
      {"tenure_log_damaged", [](auto& host) -> auto& { return host.log_damage; }},
      {"tenure_state_store_failing",
       [](auto& host) -> auto& { return host.partition.store_error; }},
      {"tenure_read_models_failing", [](auto& host) -> auto& { return host.read_models_error; }},
      {"tenure_notary_failing", [](auto& host) -> auto& { return host.notary_error; }},
      {"tenure_log_differs_from_signed", [](auto& host) -> auto& { return host.notary_mismatch; }},
      {"tenure_another_build_owns", [](auto& host) -> auto& { return host.another_build; }},
  };
  Metrics metrics;
  for (const auto& failing : parts) {
    HostStats host;
    failing.why(host) = "the disk is full";
    const std::string text = metrics.render(host);
    for (const auto& part : parts) {
      const char* value = &part == &failing ? " 1\n" : " 0\n";
      EXPECT_THAT(text, HasSubstr(std::string("\n") + part.metric + value));
    }
  }
}

}  // namespace
}  // namespace tenure
