#include "tests/domain/domain_machine.h"

#include "engine/base/check.h"
#include "engine/rulebooks/builtin.h"
#include "rulebooks/builtin_texts.h"

namespace tenure {

const Rulebooks& test_rulebooks() {
  static const Rulebooks rulebooks = builtin_rulebooks().value();
  return rulebooks;
}

const Catalog& test_catalog() {
  static const Catalog catalog = builtin_catalog().value();
  return catalog;
}

std::string taxed_catalog_text() {
  constexpr std::string_view kUntaxed = R"("taxes": [])";
  std::string json = kBuiltinCatalog;
  const size_t at = json.find(kUntaxed);
  CHECK(at != std::string::npos);
  return json.replace(at, kUntaxed.size(),
                      R"("taxes": [{"country":"DE","hundredths_of_percent":1900},)"
                      R"({"country":"CM","hundredths_of_percent":1925},)"
                      R"({"country":"CH","hundredths_of_percent":810}])");
}

const Catalog& taxed_catalog() {
  static const Catalog catalog = load_catalog(taxed_catalog_text()).value();
  return catalog;
}

std::vector<uint8_t> set_country(const std::string& id, const std::string& org,
                                 const std::string& country, const std::string& space) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<uint8_t> box = {1, 2, 3};
  const auto sealed = schema::CreateSealedDirect(builder, nullptr, "ada", &box);
  const auto command =
      schema::CreateSetBillingDetailsDirect(builder, space.empty() ? nullptr : space.c_str(),
                                            sealed, sealed, country.c_str())
          .Union();
  builder.Finish(schema::CreateCommandEnvelopeDirect(builder, id.c_str(), org.c_str(), "user:ada",
                                                     schema::Command::SetBillingDetails, command));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

const schema::CommandEnvelope& envelope_of(std::span<const uint8_t> bytes) {
  return *flatbuffers::GetRoot<schema::CommandEnvelope>(bytes.data());
}
const schema::Decision& decision_of(std::span<const uint8_t> bytes) {
  return *flatbuffers::GetRoot<schema::Decision>(bytes.data());
}

const Organization* DomainMachine::find(std::string_view org) const {
  const auto found = organizations_.find(org);
  return found == organizations_.end() ? nullptr : &found->second;
}

std::vector<uint8_t> DomainMachine::decide_only(std::span<const uint8_t> command, Time at,
                                                std::optional<Time> due) const {
  const schema::CommandEnvelope& envelope = envelope_of(command);
  const Organization* organization = find(envelope.org()->string_view());
  const Time now = decision_time(organization, at, due);
  flatbuffers::FlatBufferBuilder builder(1024);
  EventSink events(builder);
  const Organization* services = find(kServicesOrganization);
  const Verdict verdict =
      decide(organization, envelope,
             {.now = now,
              .rulebooks = rulebooks_,
              .catalog = catalog_,
              .services = services == nullptr ? nullptr : services->services.get()},
             events);
  CHECK(verdict || events.boxes().empty());

  const uint64_t version = organization == nullptr ? 0 : organization->version;
  builder.ForceVectorAlignment(command.size(), 1, 8);
  const auto bytes = builder.CreateVector(command.data(), command.size());
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::EventBox>>> boxes;
  flatbuffers::Offset<schema::Rejection> rejection;
  flatbuffers::Offset<flatbuffers::String> rulebook;
  if (verdict) {
    boxes = builder.CreateVector(events.boxes());
  } else {
    const Rejection& why = verdict.error();
    rejection =
        schema::CreateRejectionDirect(builder, why.code, why.message.c_str(), why.rule.c_str());
  }
  flatbuffers::Optional<int64_t> recorded;
  if (organization != nullptr && organization->clock) recorded = to_micros(at);
  if (organization != nullptr) rulebook = builder.CreateString(organization->rulebook->pinned_name);
  builder.Finish(
      schema::CreateDecision(builder, bytes, to_micros(now), version + (verdict ? 1 : 0),
                             verdict ? schema::Outcome::accepted : schema::Outcome::rejected, boxes,
                             rejection, rulebook, recorded),
      schema::DecisionIdentifier());
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

void DomainMachine::happen(std::string_view org, Time now,
                           const std::function<void(EventSink&)>& tell) {
  flatbuffers::FlatBufferBuilder nobody(256);
  const auto command = schema::CreateLeaveOrganization(nobody).Union();
  nobody.Finish(schema::CreateCommandEnvelopeDirect(nobody, "told", std::string(org).c_str(),
                                                    "user:nobody",
                                                    schema::Command::LeaveOrganization, command));
  flatbuffers::FlatBufferBuilder builder(1024);
  EventSink events(builder);
  tell(events);
  const auto boxes = builder.CreateVector(events.boxes());
  builder.Finish(schema::CreateDecision(
                     builder, builder.CreateVector(nobody.GetBufferPointer(), nobody.GetSize()),
                     to_micros(now), 0, schema::Outcome::accepted, boxes),
                 schema::DecisionIdentifier());
  evolve(organizations_.find(org)->second, decision_of(builder.GetBufferSpan()), next_, rulebooks_);
  next_ = next_.next();
}

const schema::Decision& DomainMachine::record(std::span<const uint8_t> command, Time now,
                                              std::optional<Time> due) {
  if (keep_ == Keep::kLastDecision) history_.clear();
  history_.push_back(decide_only(command, now, due));
  const schema::Decision& decision = decision_of(history_.back());
  if (decision.outcome() == schema::Outcome::accepted) {
    const std::string org = envelope_of(command).org()->str();
    Organization& organization = organizations_[org];
    organization.id = OrgId(org);
    evolve(organization, decision, next_, rulebooks_);
  }
  next_ = next_.next();
  return decision;
}

void DomainMachine::do_due(std::string_view org, Time now) {
  const auto found = organizations_.find(org);
  if (found == organizations_.end()) return;
  const Organization& organization = found->second;
  while (due_by_itself(organization) && *due_by_itself(organization) <= now) {
    do_due_item(organization, now);
  }
}

void DomainMachine::do_due_item(const Organization& organization, Time now) {
  const DueItem item = *organization.due.begin();
  const schema::Decision& decision = record(due_command(organization.id, item), now, item.at);
  CHECK(decision.outcome() == schema::Outcome::accepted);
  CHECK(!organization.due.contains(item));  // or it would be done for ever
}

// As a partition does before a sandbox's clock is moved.
void DomainMachine::do_sandbox_work(std::span<const uint8_t> command, Time now) {
  const auto* advance = envelope_of(command).command_as_AdvanceClock();
  const Organization* organization = find(envelope_of(command).org()->string_view());
  if (advance == nullptr || organization == nullptr || !organization->clock) return;
  const std::vector<uint8_t> outcome = decide_only(command, now);
  if (decision_of(outcome).outcome() != schema::Outcome::accepted) return;
  while (!organization->due.empty() &&
         organization->due.begin()->at <= from_micros(advance->to())) {
    do_due_item(*organization, now);
  }
}

void DomainMachine::do_all_due(Time now) {
  for (const auto& [org, _] : organizations_) do_due(org, now);
}

const schema::Decision& DomainMachine::apply(std::span<const uint8_t> command, Time now) {
  do_due(envelope_of(command).org()->string_view(), now);
  do_sandbox_work(command, now);
  return record(command, now);
}

}  // namespace tenure
