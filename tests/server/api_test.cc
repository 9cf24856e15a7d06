// The API over a real host, without HTTP: what reads wait for, and what operators are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "tests/support/temporary_directory.h"
#include "tools/server/api.h"

namespace tenure {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// A disk whose free space is what the test says.
class SmallDisk final : public FileSystem {
 public:
  explicit SmallDisk(FileSystem& files) : files_(files) {}
  std::atomic<bool> full = false;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    return files_.open(path, mode);
  }
  Result<void> create_directory(const std::string& path) override {
    return files_.create_directory(path);
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                         const std::string& holder) override {
    return files_.lock(path, holder);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return files_.rename(from, to);
  }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<void> sync_directory(const std::string& path) override {
    return files_.sync_directory(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return files_.list(path);
  }
  Result<uint64_t> free_bytes(const std::string& path) override {
    return full ? 4096 : TRY(files_.free_bytes(path));
  }

 private:
  FileSystem& files_;
};

class ApiTest : public testing::Test {
 protected:
  void open(FileSystem& files = posix_file_system(), HostOptions options = {}) {
    options.data_directory = directory_.path() + "/data";
    options.files = &files;
    auto host = EngineHost::open(options);
    ASSERT_TRUE(host) << host.error().message;
    host_ = *std::move(host);
    api_.emplace(Api{*host_, metrics_, readers_, streams_, ingest_, answered_, 60s, true, 1,
                     [](size_t, std::function<void()> task) { task(); }});
    add_all_routes(router_, *api_);
  }

  Response ask(Method method, const std::string& path, const std::string& query = {},
               const std::string& body = {}) {
    auto match = router_.match(method, path);
    EXPECT_TRUE(match && match->route != nullptr) << path;
    auto answered = std::make_shared<std::promise<Response>>();
    const Request request{.method = method,
                          .path = path,
                          .query = query,
                          .body = body,
                          .caller = Principal::admin(nullptr)};
    match->route->handler(request, match->values, *parse_query(query),
                          [answered](Response response) { answered->set_value(response); });
    return answered->get_future().get();
  }
  Response get(const std::string& path, const std::string& query = {}) {
    return ask(Method::kGet, path, query);
  }
  Response submit(const std::string& id, const std::string& org) {
    return ask(Method::kPost, "/v1/commands", {},
               R"({"id":")" + id + R"(","org":")" + org +
                   R"(","actor":"user:alice","command_type":"CreateOrganization",)"
                   R"("command":{"name":"Org","rulebook":"space"}})");
  }
  Response check() {
    return ask(Method::kPost, "/v1/check", {},
               R"({"org":"acme","user":"alice","action":"member.add"})");
  }

  test::TemporaryDirectory directory_;
  Metrics metrics_;
  AnsweredMark answered_{1};
  std::unique_ptr<EngineHost> host_;
  WorkPool readers_{2, 100}, streams_{1, 100}, ingest_{2, 100};
  std::optional<Api> api_;
  Router router_;
};

TEST_F(ApiTest, AReadWithoutATokenNeverShowsLessThanWasAnswered) {
  open();
  ASSERT_EQ(submit("1", "acme").status, 200);
  EXPECT_EQ(get("/v1/orgs/acme").status, 200);
  EXPECT_EQ(check().status, 200);

  api_->read_patience = 20ms;
  answered_.raise(Position{{}, {1000}});  // what the rows will not have within its patience
  for (const Response& response : {get("/v1/orgs/acme"), get("/v1/orgs/acme/history"), check()}) {
    EXPECT_EQ(response.status, 503) << response.body;
    EXPECT_THAT(response.body, HasSubstr("/readyz"));
  }
  EXPECT_EQ(get("/v1/orgs/acme", "at_least=0:0").status, 200);
  EXPECT_EQ(get("/v1/decisions").status, 200) << "the log itself is never behind";
}

TEST_F(ApiTest, ACheckSaysHowFarItsRowsWere) {
  open();
  ASSERT_EQ(submit("1", "acme").status, 200);
  EXPECT_THAT(check().headers, testing::Contains(testing::Pair(kPositionHeader, "0:0")));
}

TEST_F(ApiTest, ReadsThatWaitWhenTheServerStopsAreAnsweredAtOnce) {
  open();
  ASSERT_EQ(submit("1", "acme").status, 200);
  std::promise<void> go_on;
  const auto gate = go_on.get_future().share();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(readers_.submit([gate] { gate.wait(); }));
  auto waiting = std::async(std::launch::async, [&] { return get("/v1/orgs/acme/members"); });
  EXPECT_EQ(waiting.wait_for(50ms), std::future_status::timeout);
  readers_.stop();
  const Response response = waiting.get();  // while both readers are still busy
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("stopping"));
  EXPECT_EQ(get("/v1/orgs/acme/members").status, 503);
  go_on.set_value();
}

TEST_F(ApiTest, AReadOfThePastEndsWhenTheServerStops) {
  open();
  ASSERT_EQ(submit("1", "acme").status, 200);
  ASSERT_EQ(check().status, 200);
  std::stop_source stop;
  auto view = host_->view();
  EXPECT_TRUE(host_->as_of(*view, "acme", Moment(uint64_t{1}), stop.get_token()));
  stop.request_stop();
  const auto past = host_->as_of(*view, "acme", Moment(uint64_t{1}), stop.get_token());
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().kind, ErrorKind::kUnavailable);
}

TEST_F(ApiTest, AFullDiskIsSaidOnceByTheLogAndUntilItEndsByReadinessAndMetrics) {
  auto text = std::make_shared<std::ostringstream>();
  auto logger = std::make_shared<spdlog::logger>(
      "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(*text));
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(logger);

  SmallDisk files(posix_file_system());
  open(files);
  ASSERT_EQ(submit("1", "acme").status, 200);
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_THAT(get("/metrics").body, HasSubstr("tenure_log_refusing 0"));

  files.full = true;
  while (get("/readyz").status == 200) std::this_thread::sleep_for(10ms);
  const Response not_ready = get("/readyz");
  EXPECT_EQ(not_ready.status, 503);
  EXPECT_THAT(not_ready.body, HasSubstr("nearly full"));
  EXPECT_THAT(get("/metrics").body, HasSubstr("tenure_log_refusing 1"));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(submit("full-" + std::to_string(i), "other").status, 503);
  }
  EXPECT_EQ(get("/v1/orgs/acme").status, 200) << "reads go on";

  files.full = false;
  while (get("/readyz").status != 200) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(submit("2", "other").status, 200);
  EXPECT_THAT(get("/metrics").body, HasSubstr("tenure_log_refusing 0"));
  EXPECT_TRUE(host_->close());
  spdlog::set_default_logger(before);
  const auto count = [&](const std::string& what) {
    size_t found = 0;
    for (size_t at = 0; (at = text->str().find(what, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  EXPECT_EQ(count("event=log_refuses state=began"), 1u) << text->str();
  EXPECT_EQ(count("event=log_refuses state=ended"), 1u) << text->str();
}

class ScrubTest : public ApiTest {
 protected:
  // Fills some segments.
  void open_and_fill() {
    HostOptions options;
    options.segment_bytes = 64u << 10;
    options.scrub = {.bytes_per_second = 1ull << 30, .between_passes = 0s};
    open(posix_file_system(), options);
    for (int i = 0; i < 400; ++i) {
      const std::string name = std::to_string(i);
      ASSERT_EQ(submit(name, "org-" + name).status, 200);
    }
    ASSERT_TRUE(std::filesystem::exists(segment(2)));
  }
  uint64_t verified() { return host_->stats().scrubbed_segments; }
  // The n-th file of the log, oldest first.
  std::filesystem::path segment(size_t n) {
    std::vector<std::filesystem::path> paths;
    for (const auto& each : std::filesystem::directory_iterator(directory_.path() + "/data/log")) {
      if (each.path().extension() == ".log") {
        paths.push_back(each.path());
      }
    }
    std::ranges::sort(paths);
    return n < paths.size() ? paths[n] : std::filesystem::path();
  }
};

TEST_F(ScrubTest, ReadsASoundLogAgainAndAgainWhileItIsWritten) {
  ASSERT_NO_FATAL_FAILURE(open_and_fill());
  const uint64_t before = verified();
  for (int i = 0; verified() < before + 50; ++i) {
    ASSERT_EQ(submit("more-" + std::to_string(i), "more-" + std::to_string(i)).status, 200);
    ASSERT_EQ(host_->stats().log_damage, "");
  }
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_THAT(get("/metrics").body, HasSubstr("tenure_log_damaged 0"));
}

TEST_F(ScrubTest, DamageInASealedSegmentIsSaidByReadinessAndMetrics) {
  ASSERT_NO_FATAL_FAILURE(open_and_fill());
  const auto damaged = segment(0);
  {
    std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(20000);
    const char byte = static_cast<char>(file.get());
    file.seekp(20000);
    file.put(static_cast<char>(byte ^ 1));
  }
  while (host_->stats().log_damage.empty()) std::this_thread::sleep_for(10ms);
  EXPECT_THAT(host_->stats().log_damage, HasSubstr(damaged.filename().string()));
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/readyz").body, HasSubstr("damaged"));
  EXPECT_THAT(get("/metrics").body, HasSubstr("tenure_log_damaged 1"));
  EXPECT_EQ(submit("after", "after").status, 200) << "what is decided now does not depend on it";
}

}  // namespace
}  // namespace tenure
