// Members of a group that come and go.
#include <librdkafka/rdkafka.h>

#include "tests/kafka/kafka_intake_fixture.h"

namespace tenure::test {
namespace {

using std::chrono::milliseconds;

// How many members the broker counts.
int members_of(const std::string& group) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[512];
  CHECK(rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap().c_str(), error, sizeof error) ==
        RD_KAFKA_CONF_OK);
  const std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)> client(
      rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error), &rd_kafka_destroy);
  const rd_kafka_group_list* found = nullptr;
  CHECK(rd_kafka_list_groups(client.get(), group.c_str(), &found, 30'000) ==
        RD_KAFKA_RESP_ERR_NO_ERROR);
  const int members = found->group_cnt == 0 ? 0 : found->groups[0].member_cnt;
  rd_kafka_group_list_destroy(found);
  return members;
}

class KafkaGroupTest : public IntakeFixture {
 protected:
  std::unique_ptr<KafkaGroup> join() const {
    return must(KafkaGroup::make({.connection = connection(),
                                  .topic = topic("commands"),
                                  .group = group_,
                                  .session_timeout = std::chrono::minutes(4)},
                                 {.on_assigned = [](auto) {},
                                  .on_revoked = [](auto, bool) {},
                                  .on_commit_failed = [](auto) {},
                                  .on_error = [](const Error&) {}}));
  }
  static void poll(KafkaGroup& group) {
    group.poll(milliseconds(20), [](KafkaIncoming&) {});
  }

  const std::string group_ = new_prefix();
};

// A member that is gone unheard is counted until its session ends, and all others wait for it.
TEST_F(KafkaGroupTest, WhoLeavesWhileTheGroupRebalancesIsHeard) {
  const std::jthread staying([&](const std::stop_token& over) {
    const auto group = join();
    while (!over.stop_requested()) poll(*group);
  });
  ASSERT_TRUE(eventually([&] { return members_of(group_) == 1; }));
  for (int step = 0; step < 12; ++step) {
    const auto leaving = join();
    const auto leaves_at = std::chrono::steady_clock::now() + step * milliseconds(60);
    while (std::chrono::steady_clock::now() < leaves_at) poll(*leaving);
    leaving->close();
    EXPECT_TRUE(eventually([&] { return members_of(group_) == 1; })) << "after step " << step;
  }
}

}  // namespace
}  // namespace tenure::test
