#include "tools/tenure/kafka_flags.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace tenure {
namespace {

bool is_loopback(std::string_view broker) {
  if (const size_t scheme = broker.find("://"); scheme != broker.npos) {
    broker.remove_prefix(scheme + 3);
  }
  if (broker.starts_with("[::1]")) return true;
  const std::string host(broker.substr(0, broker.find(':')));
  in_addr address;
  constexpr uint8_t kLoopback = 127;
  return host == "localhost" || (::inet_pton(AF_INET, host.c_str(), &address) == 1 &&
                                 ntohl(address.s_addr) >> 24 == kLoopback);
}

bool all_loopback(const std::string& brokers) {
  std::istringstream list(brokers);
  for (std::string broker; std::getline(list, broker, ',');) {
    if (!is_loopback(broker)) return false;
  }
  return true;
}

bool is_encrypted(const KafkaConnection& connection) {
  std::string protocol;  // the last one counts, as it does for the client
  for (const auto& [name, value] : connection.properties) {
    if (name == "security.protocol") protocol = value;
  }
  std::ranges::transform(protocol, protocol.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  return protocol.ends_with("ssl");
}

}  // namespace

void add_kafka_options(CLI::App& app, KafkaFlags& flags) {
  app.add_option("--brokers", flags.brokers, "host:port, comma-separated")
      ->envname("TENURE_KAFKA")
      ->capture_default_str();
  app.add_option("--prefix", flags.prefix, "What the names of the topics begin with")
      ->capture_default_str();
  app.add_option("--partitions", flags.partitions, "Of the log; fixed once it was made")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--property", flags.properties,
                 "name=value of the Kafka client, for TLS and SASL; may be repeated");
  app.add_flag("--allow-plaintext", flags.allow_plaintext,
               "Speak to brokers on other machines without TLS");
}

std::string given_kafka_option(const CLI::App& app, std::vector<std::string> others) {
  for (const char* name :
       {"--brokers", "--prefix", "--partitions", "--property", "--allow-plaintext"}) {
    others.emplace_back(name);
  }
  for (const std::string& name : others) {
    const CLI::Option& option = *app.get_option(name);
    const std::string variable = option.get_envname();
    const char* in_environment = variable.empty() ? nullptr : std::getenv(variable.c_str());
    const bool given = option.count() > 0 &&
                       (in_environment == nullptr || option.as<std::string>() != in_environment);
    if (given) return name;
  }
  return {};
}

Result<KafkaConnection> connection_of(const KafkaFlags& flags) {
  KafkaConnection connection{.brokers = flags.brokers, .properties = {}};
  for (const std::string& property : flags.properties) {
    const size_t equals = property.find('=');
    if (equals == std::string::npos) {
      return fail(ErrorKind::kInvalid, "--property takes name=value, not " + property);
    }
    connection.properties.emplace_back(property.substr(0, equals), property.substr(equals + 1));
  }
  if (!flags.allow_plaintext && !all_loopback(flags.brokers) && !is_encrypted(connection)) {
    return fail(ErrorKind::kInvalid,
                "the brokers " + flags.brokers +
                    " are on other machines: encrypt by --property security.protocol=SASL_SSL (or "
                    "SSL), or say --allow-plaintext");
  }
  return connection;
}

}  // namespace tenure
