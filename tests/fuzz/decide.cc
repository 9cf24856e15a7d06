// Bytes as choices: which commands a few people send to a few organizations, with what extreme
// numbers in them, and how much time passes between. Whatever they are: an organization has an
// owner, a refusal changes nothing, the same arguments decide the same, a decision can be handed on
// as evidence, and the state is what its history says.
#include "consumers/audit/decision_bytes.h"
#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "engine/json/json_wire.h"
#include "tests/domain/laws.h"
#include "tests/domain/random_commands.h"
#include "tests/fuzz/input.h"

using namespace tenure;
using test::Input;

namespace {

using Bytes = std::vector<uint8_t>;

constexpr Time kStart = from_micros(1'790'000'000'000'000);
const RandomCommandOptions kFew{
    .organizations = 2, .users = 8, .groups = 3, .spaces = 4, .resources = 8};

Duration passed(Input& input) {
  using namespace std::chrono_literals;
  constexpr Duration kSteps[] = {0s, 1s, 20min, 1h, 24h, 24h * 8, 24h * 32};
  return kSteps[input.below(std::size(kSteps))];
}

// A number of a command, where it lies.
struct Scalar {
  uint8_t* at;
  uint8_t size;
};

void find_numbers(const json::TablePlan& plan, const flatbuffers::Table& table,
                  std::vector<Scalar>& found) {
  using json::FieldKind;
  for (const json::FieldPlan& field : plan.fields) {
    const uint8_t* const at = table.GetAddressOf(field.offset);
    if (at == nullptr) continue;
    if (field.kind == FieldKind::kUnion) {
      const auto* const member = json::union_member(plan, table);
      find_numbers(*member->table, json::follow<flatbuffers::Table>(at), found);
    } else if (field.kind == FieldKind::kTable && field.is_vector) {
      const auto& items = json::follow<json::AnyVector>(at);
      for (size_t i = 0; i < items.size(); ++i) {
        const uint8_t* const item = items.Data() + i * field.size;
        find_numbers(*field.table, json::follow<flatbuffers::Table>(item), found);
      }
    } else if (field.kind == FieldKind::kTable) {
      find_numbers(*field.table, json::follow<flatbuffers::Table>(at), found);
    } else if ((field.kind == FieldKind::kInteger || field.kind == FieldKind::kTime) &&
               !field.is_vector) {
      found.push_back({const_cast<uint8_t*>(at), field.size});
    }
  }
}

uint64_t extreme(Input& input, uint8_t size) {
  const uint64_t largest = ~uint64_t{0} >> (64 - 8 * size);
  const uint64_t chosen[] = {0, 1, largest, largest / 2, largest / 2 + 1, input.number()};
  return chosen[input.below(std::size(chosen))];
}

// Now and then a number becomes one that nobody means.
void distort(Bytes& command, Input& input) {
  if (input.below(4) != 0) return;
  std::vector<Scalar> numbers;
  find_numbers(command_schema().root(), *flatbuffers::GetRoot<flatbuffers::Table>(command.data()),
               numbers);
  if (numbers.empty()) return;
  const Scalar& number = numbers[input.below(numbers.size())];
  const uint64_t value = extreme(input, number.size);
  for (uint8_t i = 0; i < number.size; ++i) {
    number.at[i] = static_cast<uint8_t>(value >> (8 * i));
  }
}

void expect_an_owner(const Organization& organization) {
  if (organization.id == kServicesOrganization) return;
  const auto [active, suspended] = owners_of(organization);
  CHECK(active >= 1);
  CHECK(active == organization.owners);
  CHECK(!organization.rulebook->single_owner || active + suspended == 1);
}

void expect_evidence(const Bytes& decision) {
  const auto bytes = std::as_bytes(std::span(decision));
  CHECK(verify_decision(bytes).has_value());
  std::string json;
  write_decision_json("0:0", bytes, json);
}

bool accepted(const schema::Decision& decision) {
  return decision.outcome() == schema::Outcome::accepted;
}

void send(DomainMachine& machine, const Bytes& command, Time now) {
  const std::string org = envelope_of(command).org()->str();
  const Organization* const found = machine.find(org);
  const auto before = found == nullptr ? std::nullopt : std::optional<Organization>(*found);
  const schema::Decision& decision = machine.apply(command, now);
  expect_evidence(machine.history().back());

  const Organization* const after = machine.find(org);
  if (after != nullptr) expect_an_owner(*after);
  if (!accepted(decision)) {
    const bool due_ran = before && after->version != before->version;
    CHECK(due_ran || (before ? *before == *after : after == nullptr));
  }
  CHECK(machine.decide_only(command, now) == machine.decide_only(command, now));
}

void expect_replayed(const DomainMachine& machine) {
  auto organizations = replayed(machine);
  CHECK(organizations.has_value());
  CHECK(*organizations == machine.organizations());
  for (auto& [id, organization] : *organizations) derive(organization);
  CHECK(*organizations == machine.organizations());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  RandomCommands commands([&] { return input.number(); }, kFew);
  DomainMachine machine;
  Time now = kStart;
  while (!input.empty()) {
    now += passed(input);
    Bytes command = commands.next(now);
    distort(command, input);
    send(machine, command, now);
  }
  expect_replayed(machine);
  return 0;
}
