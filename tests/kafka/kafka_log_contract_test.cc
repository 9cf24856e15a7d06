#include <thread>

#include "tests/kafka/kafka_fixture.h"
#include "tests/log/decision_log_contract.h"

namespace tenure::test {
namespace {

struct OverKafka {
  KafkaFixture kafka;
  std::unique_ptr<KafkaLog> over_kafka = kafka.open();

  DecisionLog& log() { return *over_kafka; }
  void step() { std::this_thread::yield(); }
  void restart() {
    must(over_kafka->close());
    over_kafka.reset();
    over_kafka = kafka.open();
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Kafka, DecisionLogContract, OverKafka);

}  // namespace
}  // namespace tenure::test
