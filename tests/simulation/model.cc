#include "tests/simulation/model.h"

#include <algorithm>

#include "engine/domain/evolve.h"
#include "engine/json/json_edge.h"
#include "tests/domain/domain_machine.h"

namespace tenure::test {
namespace {

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string key_of(const schema::CommandEnvelope& command) {
  return command.org()->str() + " " + command.actor()->str() + " " + command.id()->str();
}

}  // namespace

std::string canonical(const schema::CommandEnvelope& command) {
  std::string json;
  write_json(command_schema(), "CommandEnvelope", &command, json);
  return json;
}

Model::Model(Duration window) : window_(window), builder_(test_rulebooks(), test_catalog()) {}

void Model::fail(const std::string& what) {
  if (!failure_) failure_ = what;
}

size_t Model::sent(Buffer command) {
  const schema::CommandEnvelope& envelope = envelope_of(command);
  Sent sent{.command = {},
            .key = key_of(envelope),
            .org = envelope.org()->str(),
            .canonical = canonical(envelope)};
  sent.command = std::move(command);
  payloads_[sent.key].push_back(sent.canonical);
  sent_.push_back(std::move(sent));
  return sent_.size() - 1;
}

void Model::answered(size_t handle, const Answer& answer) {
  Sent& sent = sent_[handle];
  if (handle < first_alive_) fail("an answer to " + sent.key + " came after the crash");
  if (++sent.answers > 1) fail(sent.key + " was answered twice");
  if (answer.kind == Answer::Kind::kUnavailable) {
    counts.unavailable++;
    if (answer.message.empty()) fail("an answer without a reason");
    return;
  }
  check_answer_shows(sent, answer);
  if (answer.kind == Answer::Kind::kDecided) check_order(handle);
  const auto [told, is_new] = told_.emplace(answer.position.number.value, text(answer.decision));
  if (!is_new && told->second != text(answer.decision)) {
    fail("decision " + std::to_string(told->first) + " was told in two ways");
  }
  if (!is_new && answer.kind == Answer::Kind::kDecided) {
    fail("decision " + std::to_string(told->first) + " was new twice");
  }
}

// Handles rise with time, answers come in the order of the log.
void Model::check_order(size_t handle) {
  const auto [newest, is_first] = newest_.emplace(sent_[handle].org, handle);
  if (newest->second > handle) {
    fail(sent_[handle].key + " was decided after " + sent_[newest->second].key +
         ", which came later");
  }
  newest->second = handle;
}

void Model::check_answer_shows(const Sent& sent, const Answer& answer) {
  const auto& decision = *flatbuffers::GetRoot<schema::Decision>(answer.decision.data());
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  if (key_of(command) != sent.key) fail("an answer to " + sent.key + " is of " + key_of(command));
  const bool same = canonical(command) == sent.canonical;
  switch (answer.kind) {
    case Answer::Kind::kDecided:
      counts.decided++;
      counts.rejected += decision.outcome() == schema::Outcome::rejected;
      if (!std::ranges::equal(*decision.command(), sent.command)) {
        fail("the decision of " + sent.key + " holds another command");
      }
      break;
    case Answer::Kind::kDuplicate:
      counts.duplicates++;
      if (!same) fail("another command was taken for a retry of " + sent.key);
      break;
    case Answer::Kind::kIdempotencyMismatch:
      counts.mismatches++;
      if (same) fail("a retry of " + sent.key + " was taken for another command");
      break;
    case Answer::Kind::kUnavailable:
      break;
  }
}

std::vector<size_t> Model::crashed() {
  std::vector<size_t> unanswered;
  for (size_t i = first_alive_; i < sent_.size(); i++) {
    if (sent_[i].answers == 0) unanswered.push_back(i);
  }
  first_alive_ = sent_.size();
  return unanswered;
}

void Model::check_all_answered() {
  for (size_t i = first_alive_; i < sent_.size(); i++) {
    if (sent_[i].answers != 1) fail(sent_[i].key + " was not answered");
  }
}

void Model::check_nothing_due(Time now) {
  for (const auto& [org, model] : due_) {
    for (const auto& [name, expires] : model.open()) {
      if (expires <= now) fail(name + " of " + org + " was never expired");
    }
  }
}

void Model::check_log(DecisionLog& log) {
  counts.due = 0;
  organizations_.clear();
  uses_.clear();
  due_.clear();
  last_time_ = {};
  auto cursor = log.read(PartitionId{}, Offset{});
  if (!cursor) return fail("the log cannot be read: " + cursor.error().message);
  LogReader reader(std::move(*cursor), ReaderPosition{});
  std::vector<std::string> found;
  while (!failure_) {
    const auto next = reader.next();
    if (!next) return fail("the log cannot be read: " + next.error().message);
    if (!*next) break;
    found.push_back(text((*next)->payload));
    check_decision(**next);
  }
  if (failure_) return;
  for (const auto& [number, bytes] : told_) {
    if (number >= found.size() || found[number] != bytes) {
      return fail("decision " + std::to_string(number) + " was acknowledged and is lost");
    }
  }
  // Decisions that nobody was told of may go with a crash, but none in the middle can differ.
  const size_t both = std::min(found.size(), log_.size());
  for (size_t i = 0; i < both; i++) {
    if (found[i] != log_[i]) return fail("decision " + std::to_string(i) + " changed");
  }
  if (found.size() < log_.size()) return fail("durable decisions are gone");
  log_ = std::move(found);
}

void Model::check_decision(const ValidDecision& record) {
  const auto& decision = *flatbuffers::GetRoot<schema::Decision>(record.payload.data());
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  const std::string place = "decision " + std::to_string(record.number.value);
  if (from_micros(decision.time()) <= last_time_) fail(place + " goes back in time");
  last_time_ = from_micros(decision.time());

  const bool is_due_work = command.actor()->string_view() == "system";
  if (!is_due_work) check_id(decision, record.number.value);
  check_due(decision, is_due_work);

  // The same again, from nothing but the log.
  const auto organization = organizations_.find(command.org()->string_view());
  const auto services = organizations_.find(kServicesOrganization);
  const auto again = builder_.build(
      organization == organizations_.end() ? nullptr : &organization->second,
      {decision.command()->data(), decision.command()->size()}, from_micros(decision.time()), {},
      services == organizations_.end() ? nullptr : services->second.services.get());
  if (!std::ranges::equal(again, record.payload)) fail(place + " is not what the log leads to");
  apply(decision, record.number);
}

void Model::check_id(const schema::Decision& decision, uint64_t number) {
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  const std::string key = key_of(command);
  const auto payloads = payloads_.find(key);
  if (payloads == payloads_.end() ||
      std::ranges::find(payloads->second, canonical(command)) == payloads->second.end()) {
    fail("nobody sent what decision " + std::to_string(number) + " decides");
  }
  const Use use{number, from_micros(decision.time())};
  const auto [before, is_first] = uses_.emplace(key, use);
  if (is_first) return;
  if (use.time - before->second.time <= window_) {
    fail(key + " was decided twice, " + std::to_string(before->second.number) + " and " +
         std::to_string(number));
  }
  before->second = use;
}

void Model::check_due(const schema::Decision& decision, bool is_due_work) {
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  const Time time = from_micros(decision.time());
  DueModel& model = due_[command.org()->str()];
  const auto& open = model.open();
  if (is_due_work) {
    counts.due++;
    const std::string name = DueModel::name_of(command);
    const auto found = open.find(name);
    if (found == open.end()) return fail(name + " expired when it was not open");
    if (found->second > time) fail(name + " expired early");
    for (const auto& [other, expires] : open) {
      if (expires < found->second) fail(other + " was due before " + name);
    }
  } else {
    for (const auto& [name, expires] : open) {
      if (expires <= time) fail(name + " was due before " + key_of(command));
    }
  }
  if (decision.events() == nullptr) return;
  for (const schema::EventBox* box : *decision.events()) model.follow(*box);
}

void Model::apply(const schema::Decision& decision, Number number) {
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  const std::string org = command.org()->str();
  if (decision.outcome() == schema::Outcome::accepted) {
    Organization& organization = organizations_[org];
    if (command.expected_version().value_or(organization.version) != organization.version) {
      fail(key_of(command) + " was accepted at another version than it expected");
    }
    organization.id = OrgId(org);
    evolve(organization, decision, number, test_rulebooks());
    // Nobody is a member of the organization that services are managed in.
    if (organization.owners == 0 && org != kServicesOrganization)
      fail(org + " is without an owner");
  }
  const auto found = organizations_.find(org);
  const uint64_t version = found == organizations_.end() ? 0 : found->second.version;
  if (decision.version() != version) fail("a decision of " + org + " has the wrong version");
}

}  // namespace tenure::test
