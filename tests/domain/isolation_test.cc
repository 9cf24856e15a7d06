// Full isolation: what one may not see never changes an answer. Random histories, in which every
// command is asked once more with the ids of another space or organization in it.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/domain/access.h"
#include "engine/domain/names.h"
#include "engine/domain/text.h"
#include "engine/json/json_edge.h"
#include "tests/domain/random_commands.h"

namespace tenure {
namespace {

constexpr Time kStart = from_micros(1'790'000'000'000'000);
constexpr int kCommands = 300;
const RandomCommandOptions kOptions{
    .personal_text = false, .services = false, .organizations = 4, .users = 8, .spaces = 4};

std::string json_of(const std::vector<uint8_t>& command) {
  std::string json;
  write_json(command_schema(), "CommandEnvelope", &envelope_of(command), json);
  return json;
}

std::vector<uint8_t> from_json(const std::string& json) {
  static JsonReader reader(command_schema());
  const auto bytes = reader.read(json);
  EXPECT_TRUE(bytes.has_value()) << json;
  return {bytes->begin(), bytes->end()};
}

// The fields in which a command names a space.
constexpr const char* kSpaceFields[] = {"\"space\":\"", "\"from\":\"", "\"to\":\""};

// `json` with the space `from` called `to` wherever the command names it; the same if it does not.
std::string with_space(std::string json, const std::string& from, const std::string& to) {
  for (const std::string field : kSpaceFields) {
    const std::string named = field + from + "\"";
    const size_t at = json.find(named);
    if (at != std::string::npos) json.replace(at, named.size(), field + to + "\"");
  }
  return json;
}

// Refused before anything is looked up, so it says nothing about the space.
bool copies_within_a_space(const std::string& json) {
  const std::vector<uint8_t> command = from_json(json);
  const auto* copy = envelope_of(command).command_as_CopyResources();
  return copy != nullptr && text(copy->from()) == text(copy->to());
}

struct Refusal {
  schema::RejectionCode code;
  std::string message;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

// Why it is refused, with `id` called X; nothing if it is accepted.
std::optional<Refusal> refusal(const DomainMachine& machine, const std::string& json,
                               const std::string& id, Time now) {
  const std::vector<uint8_t> decided = machine.decide_only(from_json(json), now);
  const schema::Decision& decision = decision_of(decided);
  if (decision.outcome() == schema::Outcome::accepted) return std::nullopt;
  std::string message = decision.rejection()->message()->str();
  const std::string quoted = in_quotes(id);
  for (size_t at = 0; (at = message.find(quoted, at)) != std::string::npos;) {
    message.replace(at, quoted.size(), "X");
  }
  return Refusal{decision.rejection()->code(), message};
}

template <class Step>
void run_history(uint64_t seed, Step&& step) {
  RandomCommands commands(seed, kOptions);
  DomainMachine machine(DomainMachine::Keep::kLastDecision);
  for (int i = 0; i < kCommands; ++i) {
    const Time now = kStart + std::chrono::minutes(20 * i);
    const std::vector<uint8_t> command = commands.next(now);
    step(machine, command, now);
    machine.apply(command, now);
  }
}

uint64_t spaces_swapped = 0, organizations_swapped = 0;

class CountAtEnd : public testing::Environment {
  void TearDown() override {
    std::cout << spaces_swapped << " commands named a space that their actor does not see, "
              << organizations_swapped << " an organization that is not theirs\n";
  }
};
const auto* const kCount = testing::AddGlobalTestEnvironment(new CountAtEnd);

RC_GTEST_PROP(Isolation, ASpaceThatOneDoesNotSeeAnswersAsOneThatIsNotThere, ()) {
  run_history(*rc::gen::arbitrary<uint64_t>(),
              [](const DomainMachine& machine, const std::vector<uint8_t>& command, Time now) {
                const schema::CommandEnvelope& envelope = envelope_of(command);
                const Organization* organization = machine.find(envelope.org()->string_view());
                const std::string_view actor = envelope.actor()->string_view();
                // Ids that are taken are taken: whoever may create spaces learns that much.
                if (organization == nullptr || !actor.starts_with("user:") ||
                    envelope.command_type() == schema::Command::CreateSpace) {
                  return;
                }
                // Who may bring a deleted space back sees that it was there.
                const auto role = standing_of(*organization, actor.substr(5));
                if (role && sees_every_space(organization->rulebook->role(*role))) return;
                const std::string json = json_of(command);
                for (const auto& [named, space] : organization->spaces) {
                  for (const auto& [id, hidden] : organization->spaces) {
                    // One who was in it before it was deleted may hear that it is gone.
                    if (grants_of(*organization, hidden, actor.substr(5)).any) continue;
                    const std::string swapped = with_space(json, named.str(), id.str());
                    if (swapped == json && named.str() != id.str()) continue;
                    const std::string elsewhere = with_space(json, named.str(), "nowhere");
                    if (elsewhere == json || copies_within_a_space(swapped)) continue;
                    ++spaces_swapped;
                    const auto real = refusal(machine, swapped, id.str(), now);
                    RC_ASSERT(real.has_value());
                    const auto none = refusal(machine, elsewhere, "nowhere", now);
                    RC_LOG() << swapped << "\n"
                             << (real ? real->message : "") << "\n"
                             << (none ? none->message : "accepted") << "\n";
                    RC_ASSERT(real == none);
                  }
                }
              });
}

RC_GTEST_PROP(Isolation, AnOrganizationThatIsNotOnesOwnAnswersAsOneThatIsNotThere, ()) {
  run_history(*rc::gen::arbitrary<uint64_t>(),
              [](const DomainMachine& machine, const std::vector<uint8_t>& command, Time now) {
                const schema::CommandEnvelope& envelope = envelope_of(command);
                if (envelope.command_type() == schema::Command::CreateOrganization) return;
                std::string json = json_of(command);
                const std::string actor = "\"actor\":\"" + envelope.actor()->str() + "\"";
                json.replace(json.find(actor), actor.size(), "\"actor\":\"user:stranger\"");
                const std::string org = "\"org\":\"" + envelope.org()->str() + "\"";
                std::string elsewhere = json;
                elsewhere.replace(elsewhere.find(org), org.size(), "\"org\":\"nowhere\"");
                ++organizations_swapped;
                const auto real = refusal(machine, json, envelope.org()->str(), now);
                RC_ASSERT(real.has_value());
                RC_ASSERT(real == refusal(machine, elsewhere, "nowhere", now));
              });
}

}  // namespace
}  // namespace tenure
