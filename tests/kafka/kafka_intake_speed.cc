// How many commands a second come in from Kafka, and how many results go out, with an engine that
// answers at once: what the intake itself allows. Prints; fails only if commands get lost.
#include <cstdio>

#include "tests/kafka/kafka_intake_fixture.h"

namespace tenure::test {
namespace {

constexpr size_t kCommands = 300'000;

class KafkaIntakeSpeed : public IntakeFixture {
 protected:
  static double seconds(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  static void print(const char* what, double took) {
    std::printf("%-44s %8.0f /s\n", what, static_cast<double>(kCommands) / took);
  }

  void publish_all(const KafkaHeaders& headers) {
    std::atomic<size_t> acknowledged = 0;
    for (size_t i = 0; i < kCommands; ++i) {
      const std::string org = fmt::format("org{}", i);
      must(publisher_->publish({.topic = topic("commands"),
                                .partition = home(org),
                                .key = org,
                                .value = binary(create_json(fmt::format("c{}", i), org)),
                                .headers = headers},
                               [&](const Result<void>& how) { acknowledged += how ? 1 : 0; }));
    }
    EXPECT_TRUE(eventually([&] { return acknowledged == kCommands; }));
  }

  // Until all that was published is settled.
  void take_in(const char* what) {
    FakeLog log;
    const std::string id = "c", org = "acme";
    log.decide({0}, *CommandParser().parse(create_json(id, org), {}), [&](const Answer& answer) {
      std::atomic<size_t> submitted = 0;
      std::set<PartitionId> got;
      std::atomic<bool> assigned = false;
      auto intake = must(KafkaIntake::open(
          options(), {.on_assigned =
                          [&](auto all) {
                            got.insert(all.begin(), all.end());
                            assigned = true;
                          },
                      .on_revoked = [](auto, bool) {},
                      .submit =
                          [&](PartitionId, const CommandBytes&, Offset, const Reply& reply) {
                            submitted += 1;
                            reply(answer);
                          }}));
      EXPECT_TRUE(eventually([&] { return assigned.load(); }));
      print(what, seconds([&] {
              for (const PartitionId each : got) intake->start(each, Offset{0});
              EXPECT_TRUE(eventually(
                  [&] { return submitted >= kCommands && intake->stats().under_way == 0; }));
            }));
      EXPECT_EQ(submitted, kCommands);
    });
  }
};

TEST_F(KafkaIntakeSpeed, CommandsInAndResultsOut) {
  print("made and published, acknowledged", seconds([&] { publish_all({}); }));
  take_in("taken in, no results");
  publish_all({{"reply-to", "me"}, {"accept", "application/octet-stream"}});
  take_in("taken in, results as FlatBuffers acknowledged");
  publish_all({{"reply-to", "me"}});
  take_in("taken in, results as JSON acknowledged");
}

}  // namespace
}  // namespace tenure::test
