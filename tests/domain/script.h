// A test's way to speak to the domain: commands as JSON, outcomes as one word.
#pragma once

#include <gtest/gtest.h>

#include "engine/json/json_edge.h"
#include "tests/domain/domain_machine.h"

namespace tenure {

class Script {
 public:
  explicit Script(const Rulebooks& rulebooks = test_rulebooks(),
                  const Catalog& catalog = test_catalog())
      : machine_(DomainMachine::Keep::kHistory, rulebooks, catalog) {}

  Time now = from_micros(1'790'000'000'000'000);  // 2026-09-21T14:13:20Z; a test may move it

  // "accepted", or the code of the rejection. `envelope`: more fields, such as
  // "\"expected_version\":3,".
  std::string send(const std::string& actor, const std::string& type, const std::string& command,
                   const std::string& envelope = {}) {
    return send_to("acme", actor, type, command, envelope);
  }

  // The same to the organization that services are managed in.
  std::string manage(const std::string& actor, const std::string& type, const std::string& command,
                     const std::string& envelope = {}) {
    return send_to(std::string(kServicesOrganization), actor, type, command, envelope);
  }

  // SetBillingDetails by user:ada, of a space or (none) of the organization.
  std::string send_country(const std::string& country, const std::string& space = {}) {
    return apply(set_country("c" + std::to_string(++sent_), "acme", country, space));
  }

  // CreateApiKey, as an ingress sends it on. `hash_size`: 0 as if there had been none.
  std::string create_key(const std::string& actor, const std::string& key,
                         const std::string& service, std::optional<Time> expires = {},
                         size_t hash_size = KeyHash{}.size(),
                         std::optional<uint64_t> expected = {}) {
    flatbuffers::FlatBufferBuilder builder;
    flatbuffers::Optional<int64_t> at;
    if (expires) at = to_micros(*expires);
    flatbuffers::Optional<uint64_t> version;
    if (expected) version = *expected;
    const auto command =
        schema::CreateCreateApiKeyDirect(builder, key.c_str(), service.c_str(), at).Union();
    const std::vector<uint8_t> hash(hash_size, 7);
    const std::string id = "c" + std::to_string(++sent_);
    builder.Finish(schema::CreateCommandEnvelopeDirect(
        builder, id.c_str(), std::string(kServicesOrganization).c_str(), actor.c_str(),
        schema::Command::CreateApiKey, command, version, 0, nullptr,
        hash.empty() ? nullptr : &hash));
    return apply(std::span<const uint8_t>(builder.GetBufferPointer(), builder.GetSize()));
  }

  // The names of the events that the last decision left, in order.
  std::vector<std::string> events() const {
    std::vector<std::string> names;
    if (last().events() == nullptr) return names;
    for (const schema::EventBox* box : *last().events()) {
      names.emplace_back(schema::EnumNameEvent(box->event_type()));
    }
    return names;
  }
  // The last event of its kind in all that was decided; null: there is none.
  template <class Event>
  const Event* last_event() const {
    const Event* last = nullptr;
    for (const std::vector<uint8_t>& bytes : machine_.history()) {
      if (decision_of(bytes).events() == nullptr) continue;
      for (const schema::EventBox* box : *decision_of(bytes).events()) {
        if (const Event* event = box->event_as<Event>()) last = event;
      }
    }
    return last;
  }
  const schema::Decision& last() const { return decision_of(machine_.history().back()); }
  const Organization& organization() const { return *machine_.find("acme"); }
  const Space& space(std::string_view id) const { return organization().spaces.find(id)->second; }
  const DomainMachine& machine() const { return machine_; }

 private:
  std::string send_to(const std::string& org, const std::string& actor, const std::string& type,
                      const std::string& command, const std::string& envelope) {
    const std::string json = R"({"id":"c)" + std::to_string(++sent_) + R"(","org":")" + org +
                             R"(",)" + envelope + R"("actor":")" + actor + R"(","command_type":")" +
                             type + R"(","command":)" + command + "}";
    const auto bytes = reader_.read(json);
    EXPECT_TRUE(bytes.has_value()) << bytes.error().message << " in " << json;
    return apply(bytes.value());
  }

  std::string apply(std::span<const uint8_t> command) {
    const schema::Decision& decision = machine_.apply(command, now);
    if (decision.outcome() == schema::Outcome::accepted) return "accepted";
    return schema::EnumNameRejectionCode(decision.rejection()->code());
  }

  DomainMachine machine_;
  JsonReader reader_{command_schema()};
  int sent_ = 0;
};

}  // namespace tenure
