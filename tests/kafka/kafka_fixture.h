// A topic of its own at the broker that ctest started, and a log over it.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "engine/log/kafka_log.h"
#include "engine/log/kafka_topics.h"
#include "tests/log/log_fixture.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {

// Where the broker is: of the file that ops/kafka/cluster.py start wrote.
inline std::string bootstrap() {
  const char* path = std::getenv("TENURE_KAFKA_STATE");
  CHECK(path != nullptr);
  std::ifstream file(path);
  const std::string state{std::istreambuf_iterator<char>(file), {}};
  const std::string key = "\"bootstrap\": \"";
  const size_t begin = state.find(key);
  CHECK(begin != std::string::npos);
  return state.substr(begin + key.size(), state.find('"', begin + key.size()) - begin - key.size());
}

inline KafkaConnection connection() { return {.brokers = bootstrap(), .properties = {}}; }

// Unlike any other, also of tests that run beside this one.
inline std::string new_prefix() {
  static int count = 0;
  return fmt::format("test-{}-{}", ::getpid(), count++);
}

class KafkaFixture {
 public:
  explicit KafkaFixture(uint32_t partitions = 2) : partitions_(partitions) { make_topic(); }

  // The topic of the log, with a log's settings.
  void make_topic() {
    KafkaAdmin admin = must(KafkaAdmin::make(connection()));
    for (const KafkaTopic& each : kafka_topics(prefix_, partitions_, 1)) {
      if (each.name == topic()) must(admin.create(each));
    }
  }

  // What a process called `name` opens its log by; each has a mirror of its own.
  KafkaLogOptions options(const std::string& name = "one") const {
    KafkaLogOptions options{.connection = connection(),
                            .topic = topic(),
                            .partitions = partitions_,
                            .follow = {},
                            .mirror = {},
                            .on_change = {}};
    for (uint32_t each = 0; each < partitions_; ++each) options.follow.push_back({each});
    options.mirror.directory = directory_.path() + "/" + name;
    options.mirror.segment_bytes = 16u << 10;
    options.mirror.reserve_bytes = 0;
    options.mirror.holder = "test";
    return options;
  }
  std::unique_ptr<KafkaLog> open(const std::string& name = "one") const {
    return must(KafkaLog::open(options(name)));
  }

  std::string topic() const { return kafka_topic_name(prefix_, "log"); }

 private:
  const uint32_t partitions_;
  const std::string prefix_ = new_prefix();
  const TemporaryDirectory directory_;
};

}  // namespace tenure::test
