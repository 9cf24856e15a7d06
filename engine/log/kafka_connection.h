// How a Kafka cluster is reached.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tenure {

struct KafkaConnection {
  std::string brokers;  // host:port, comma-separated: some of the cluster's
  std::string client_id = "tenure";
  // Passed to the client library as they are (security.protocol, sasl.*, ssl.*). What the log's
  // guarantees rest on is set after them and cannot be changed.
  std::vector<std::pair<std::string, std::string>> properties;
};

}  // namespace tenure
