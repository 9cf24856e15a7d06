#include "tools/server/engine_host.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <future>

#include "engine/json/json_edge.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_directory.h"

namespace tenure {
namespace {

using namespace std::chrono_literals;

CommandBytes command(std::string_view json) {
  JsonReader reader(command_schema());
  auto read = reader.read(json);
  EXPECT_TRUE(read) << read.error().message;
  auto verified = verify_command(*read);
  EXPECT_TRUE(verified) << verified.error().message;
  return *std::move(verified);
}

CommandBytes create_organization(const std::string& id, const std::string& org) {
  return command(R"({"id":")" + id + R"(","org":")" + org +
                 R"(","actor":"user:alice","command_type":"CreateOrganization",)"
                 R"("command":{"name":"Org","rulebook":"space"}})");
}

struct Told {
  Answer::Kind kind;
  Position position;
  std::string message;
};

std::future<Told> submit(EngineHost& host, CommandBytes bytes) {
  auto promise = std::make_shared<std::promise<Told>>();
  host.submit(std::move(bytes), [promise](const Answer& answer) {
    promise->set_value({answer.kind, answer.position, answer.message});
  });
  return promise->get_future();
}

class EngineHostTest : public testing::Test {
 protected:
  std::unique_ptr<EngineHost> open(FileSystem& files = posix_file_system()) {
    HostOptions options;
    options.data_directory = directory_.path() + "/data";
    options.files = &files;
    auto host = EngineHost::open(options);
    EXPECT_TRUE(host) << host.error().message;
    return host ? *std::move(host) : nullptr;
  }

  test::TemporaryDirectory directory_;
};

TEST_F(EngineHostTest, AnswersADecisionThatIsDurableAndSoonApplied) {
  auto host = open();
  Told told = submit(*host, create_organization("1", "acme")).get();
  EXPECT_EQ(told.kind, Answer::Kind::kDecided);
  EXPECT_EQ(told.position, (Position{PartitionId{0}, Number{0}}));
  EXPECT_TRUE(host->wait_applied(told.position, 10s));
  EXPECT_EQ(host->durable({}), Number{1});
  EXPECT_EQ(host->applied({}), Number{1});
}

TEST_F(EngineHostTest, ABatchIsAnsweredInTheOrderItWasGiven) {
  auto host = open();
  std::vector<Submission> batch;
  std::vector<uint64_t> numbers;
  std::promise<void> all;
  for (int i = 0; i < 1000; ++i) {
    std::string name = std::to_string(i);
    batch.push_back({create_organization(name, "org-" + name), [&](const Answer& answer) {
                       numbers.push_back(answer.position.number.value);
                       if (numbers.size() == 1000) all.set_value();
                     }});
  }
  host->submit(batch);
  all.get_future().get();
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(numbers[i], i);
}

TEST_F(EngineHostTest, EverythingTakenIsAnsweredBeforeCloseReturns) {
  auto host = open();
  std::atomic<int> decided = 0;
  for (int i = 0; i < 500; ++i) {
    std::string name = std::to_string(i);
    host->submit(create_organization(name, "org-" + name), [&](const Answer& answer) {
      if (answer.kind == Answer::Kind::kDecided) ++decided;
    });
  }
  EXPECT_TRUE(host->close());
  EXPECT_EQ(decided, 500);
  Told told = submit(*host, create_organization("late", "late")).get();
  EXPECT_EQ(told.kind, Answer::Kind::kUnavailable);
  EXPECT_FALSE(told.message.empty());
}

TEST_F(EngineHostTest, ARetryAfterReopeningIsTheSameDecision) {
  Told first = submit(*open(), create_organization("1", "acme")).get();
  auto host = open();
  Told again = submit(*host, create_organization("1", "acme")).get();
  EXPECT_EQ(again.kind, Answer::Kind::kDuplicate);
  EXPECT_EQ(again.position, first.position);
  EXPECT_EQ(host->durable({}), Number{1});
}

TEST_F(EngineHostTest, WaitingForWhatDoesNotComeEndsAtTheDeadline) {
  auto host = open();
  EXPECT_FALSE(host->wait_applied(Position{{}, {1000}}, 20ms));
}

TEST_F(EngineHostTest, ASecondHostOnTheDirectoryIsRefusedByName) {
  auto host = open();
  HostOptions options;
  options.data_directory = directory_.path() + "/data";
  auto second = EngineHost::open(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  EXPECT_NE(second.error().message.find(std::to_string(getpid())), std::string::npos);
}

// TRUST 8: a failed write or sync is never retried; nothing of that batch is acknowledged.
class LogFailure : public EngineHostTest, public testing::WithParamInterface<test::Call> {};

TEST_P(LogFailure, AnswersEverybodyUnavailableAndSaysSoOnce) {
  test::FaultyFileSystem files(posix_file_system());
  auto host = open(files);
  std::atomic<int> told_of_failure = 0;
  host->on_failure([&] { ++told_of_failure; });
  ASSERT_EQ(submit(*host, create_organization("1", "acme")).get().kind, Answer::Kind::kDecided);

  files.set_fault(test::Fault{.at = 1, .only = GetParam(), .lasting = true});
  std::vector<std::future<Told>> waiting;
  for (int i = 0; i < 100; ++i) {
    std::string name = "x" + std::to_string(i);
    waiting.push_back(submit(*host, create_organization(name, name)));
  }
  for (auto& each : waiting) EXPECT_EQ(each.get().kind, Answer::Kind::kUnavailable);
  Told later = submit(*host, create_organization("later", "later")).get();
  EXPECT_EQ(later.kind, Answer::Kind::kUnavailable);
  EXPECT_EQ(told_of_failure, 1);
  ASSERT_TRUE(host->failure());
  EXPECT_EQ(host->durable({}), Number{1});
  EXPECT_FALSE(host->wait_applied(Position{{}, {50}}, 10s));

  files.set_fault(std::nullopt);
  host.reset();
  auto again = open();
  EXPECT_GE(again->durable({}), Number{1});
  EXPECT_EQ(submit(*again, create_organization("1", "acme")).get().kind, Answer::Kind::kDuplicate);
}

INSTANTIATE_TEST_SUITE_P(OfAWriteOrASync, LogFailure,
                         testing::Values(test::Call::kWrite, test::Call::kSync),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST_F(EngineHostTest, PersonalTextIsReadableThroughTheHostAndNowhereInItsFiles) {
  const std::string secret = "Unmentionable reason";
  std::string json;
  {
    auto host = open();
    auto sealed = host->seal(command(
        R"({"id":"1","org":"acme","actor":"user:alice","command_type":"CreateOrganization",)"
        R"("command":{"name":"Org","rulebook":"space"},"reason":")" +
        secret + R"("})"));
    ASSERT_TRUE(sealed) << sealed.error().message;
    std::promise<void> answered;
    host->submit(*std::move(sealed), [&](const Answer& answer) {
      write_decision_json("0:0", answer.decision, json, &host->unsealer());
      answered.set_value();
    });
    answered.get_future().get();
  }
  EXPECT_NE(json.find(secret), std::string::npos) << json;
  for (const auto& each : std::filesystem::recursive_directory_iterator(directory_.path())) {
    if (!each.is_regular_file()) continue;
    std::ifstream file(each.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(bytes.find(secret), std::string::npos) << each.path();
  }
}

}  // namespace
}  // namespace tenure
