// What must never happen to the topic of a log, done on purpose.
#pragma once

#include <string>

#include "engine/log/kafka_connection.h"

namespace tenure::test {

void delete_records_before(const KafkaConnection& connection, const std::string& topic,
                           int partition, int64_t offset);
// Returns when the topic is gone.
void delete_topic(const KafkaConnection& connection, const std::string& topic);

}  // namespace tenure::test
