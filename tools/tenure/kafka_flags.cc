#include "tools/tenure/kafka_flags.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
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

Result<void> add_property(std::string name, std::string value, KafkaConnection& connection) {
  if (name == "bootstrap.servers" || name == "metadata.broker.list") {
    return fail(ErrorKind::kInvalid, "the property " + name + " is given by --brokers");
  }
  connection.properties.emplace_back(std::move(name), std::move(value));
  return {};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Passwords are for its owner's eyes, and their group's.
Result<void> check_unread_by_others(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return fail(ErrorKind::kNotFound, "there is no file " + path);
  }
  if (error) return fail(ErrorKind::kIo, "cannot look at " + path + ": " + error.message());
  if ((status.permissions() & std::filesystem::perms::others_read) ==
      std::filesystem::perms::none) {
    return {};
  }
  return fail(ErrorKind::kInvalid,
              path + " may be read by every user of this machine: chmod o= " + path);
}

Result<void> read_properties(const std::string& path, KafkaConnection& connection) {
  TRY(check_unread_by_others(path));
  std::ifstream file(path);
  size_t number = 0;
  for (std::string text; std::getline(file, text);) {
    ++number;
    const std::string_view line = trimmed(text);
    if (line.empty() || line.starts_with('#')) continue;
    const size_t equals = line.find('=');
    const std::string_view name = trimmed(line.substr(0, equals));
    if (equals == line.npos || name.empty()) {
      return fail(ErrorKind::kInvalid, path + " line " + std::to_string(number) +
                                           " is neither name=value nor a # comment");
    }
    TRY(add_property(std::string(name), std::string(trimmed(line.substr(equals + 1))), connection));
  }
  if (!file.eof()) return fail(ErrorKind::kIo, "cannot read " + path);
  return {};
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
                 "name=value of the Kafka client, for TLS and SASL; may be repeated. Other users "
                 "see it in the list of processes");
  app.add_option("--properties", flags.properties_file,
                 "A file of them, a line each: for passwords");
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
  if (!flags.properties_file.empty()) TRY(read_properties(flags.properties_file, connection));
  for (const std::string& property : flags.properties) {
    const size_t equals = property.find('=');
    if (equals == std::string::npos) {
      return fail(ErrorKind::kInvalid, "--property takes name=value, not " + property);
    }
    TRY(add_property(property.substr(0, equals), property.substr(equals + 1), connection));
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
