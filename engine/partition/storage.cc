// What a partition asks of helper threads: to load organizations, to read the originals of retries,
// to write checkpoints.
#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/check.h"
#include "engine/partition/machine.h"
#include "engine/partition/same_request.h"

namespace tenure {
namespace {

constexpr size_t kLoadsPerJob = 64;
constexpr size_t kEvictTries = 256;  // a step

Result<AlignedBytes> read_decision(DecisionLog& log, PartitionId partition, Number number) {
  auto cursor = TRY(log.read(partition, TRY(log.find(partition, number))));
  const auto record = TRY(cursor->next());
  if (!record || record->prefix.number != number) {
    return fail(ErrorKind::kCorrupt,
                "the log has no decision " + std::to_string(number.value) + " where it should be");
  }
  AlignedBytes bytes;
  std::memcpy(bytes.grow(record->payload.size()), record->payload.data(), record->payload.size());
  return bytes;
}

}  // namespace

void Partition::Machine::run_on(const std::function<void(std::function<void()>)>& helper,
                                std::function<void()> job) {
  ++*jobs_;
  helper([jobs = jobs_, job = std::move(job)] {
    job();
    --*jobs;
  });
}

Result<StoredOrganization> Partition::Machine::load(const StateStore& store,
                                                    const Rulebooks& rulebooks,
                                                    std::string_view org) {
  StoredOrganization loaded;
  loaded.organization.id = OrgId(org);
  TRY(store.read_rows(org, [&](std::string_view key, std::string_view value) {
    return load_row(loaded, rulebooks, key, value);
  }));
  if (loaded.exists) derive(loaded.organization);
  return loaded;
}

OrganizationEntry& Partition::Machine::find_or_add(uint64_t hash, std::string_view org) {
  if (Entry* entry = organizations_.find(hash, org)) return *entry;
  const bool all_in_memory = organizations_.existing() == total_organizations_;
  Entry& entry = organizations_.add(hash, org);
  if (!all_in_memory) {
    wait(entry);
    to_load_.push_back(&entry);
  }
  return entry;
}

void Partition::Machine::request_loads() {
  for (size_t at = 0; at < to_load_.size(); at += kLoadsPerJob) {
    const size_t end = std::min(at + kLoadsPerJob, to_load_.size());
    // Entries that wait are not evicted, so the pointers hold; ids are read in the job.
    std::vector<Entry*> entries(to_load_.begin() + static_cast<ptrdiff_t>(at),
                                to_load_.begin() + static_cast<ptrdiff_t>(end));
    std::vector<OrgId> orgs;
    orgs.reserve(entries.size());
    for (const Entry* entry : entries) orgs.push_back(entry->organization.id);
    run_aside([this_weak = weak_from_this(), post = host_.post, &store = store_,
               &rulebooks = rulebooks_, entries = std::move(entries), orgs = std::move(orgs)] {
      auto loaded = std::make_shared<std::vector<Result<StoredOrganization>>>();
      for (const OrgId& org : orgs) loaded->push_back(load(store, rulebooks, org));
      post([this_weak, entries, loaded] {
        const auto self = this_weak.lock();
        for (size_t i = 0; self && i < entries.size(); i++) {
          self->on_loaded(*entries[i], std::move((*loaded)[i]));
        }
      });
    });
  }
  to_load_.clear();
}

void Partition::Machine::take_in(Entry& entry, StoredOrganization loaded) {
  counts_.loads++;
  entry.organization = std::move(loaded.organization);
  entry.exists = loaded.exists;
  entry.known = loaded.next;
  if (entry.exists) {
    organizations_.count_existing();
    organizations_.count_memory(entry);
  }
  // The due index has its entry already: that is how it is loaded without organizations.
  entry.due = entry.stored_due = due_by_itself(entry.organization);
}

void Partition::Machine::on_loaded(Entry& entry, Result<StoredOrganization> loaded) {
  if (failure_) return;
  if (!loaded) return on_store_error(loaded.error());
  take_in(entry, std::move(*loaded));
  resume(entry);
}

void Partition::Machine::wait(Entry& entry) {
  entry.waiting = true;
  waiting_entries_++;
}

void Partition::Machine::resume(Entry& entry) {
  entry.waiting = false;
  waiting_entries_--;
  if (!entry.parked.empty()) resumed_.push_back(&entry);
}

void Partition::Machine::request_original(Entry& entry, Number number) {
  wait(entry);
  run_aside([weak = weak_from_this(), post = host_.post, &log = log_, partition = options_.id,
             &entry, number] {
    auto decision =
        std::make_shared<const Result<AlignedBytes>>(read_decision(log, partition, number));
    post([weak, &entry, number, decision] {
      if (const auto self = weak.lock()) self->on_original(entry, number, *decision);
    });
  });
}

// Answers the command in front, and those right behind it that have the same id.
void Partition::Machine::on_original(Entry& entry, Number number,
                                     const Result<AlignedBytes>& decision) {
  if (failure_) return;
  if (!decision) return fail(decision.error());
  counts_.retries_read++;
  const auto bytes = decision->view();
  const auto* original = flatbuffers::GetRoot<schema::Decision>(bytes.data());
  const auto& envelope = *original->command_nested_root();
  bool answered = false;
  while (!entry.parked.empty() && same_key(envelope, entry.parked.front().command.get())) {
    const QueuedCommand command = std::move(entry.parked.front());
    entry.parked.pop_front();
    parked_--;
    answered = true;
    settle(command);
    const auto kind = same_request(envelope, command.command.get())
                          ? Answer::Kind::kDuplicate
                          : Answer::Kind::kIdempotencyMismatch;
    command.reply(answer_with(kind, {options_.id, number}, bytes));
  }
  if (!answered) entry.parked.front().other_ids_from = number;
  resume(entry);
}

void Partition::Machine::evict() {
  organizations_.evict(options_.memory_for_organizations, kEvictTries, [&](const Entry& entry) {
    return !entry.waiting && entry.parked.empty() && checkpointer_.is_clean(entry);
  });
}

// One step of the checkpoint's way: nothing -> gathering -> gathered -> (durable) writing ->
// nothing.
bool Partition::Machine::step_checkpoint() {
  checkpoint_tried_ = std::min(checkpoint_tried_, now_);  // the clock may have gone back
  const bool time_is_up = now_ - checkpoint_tried_ >= options_.checkpoint_every;
  switch (writing_) {
    case Writing::kNothing: {
      const size_t pending = checkpointer_.pending_bytes();
      if (pending < options_.checkpoint_bytes && (pending == 0 || !time_is_up)) return false;
      begin_checkpoint();
      writing_ = Writing::kGathering;
      return true;
    }
    case Writing::kGathering:
      if (!checkpointer_.gather(next_number(), now_)) return false;
      finish_checkpoint();
      writing_ = Writing::kGathered;
      write_checkpoint();
      return true;
    case Writing::kGathered:
      if (!write_failed_ || time_is_up) write_checkpoint();
      return false;
    case Writing::kWriting:
      return false;
  }
  CHECK(false);
  return false;
}

void Partition::Machine::begin_checkpoint() {
  checkpoint_tried_ = now_;
  used_ids_.forget(last_time_);
  checkpointer_.begin({.position = outbox_ ? outbox_->position() : reader_->position(),
                       .last = {},
                       .last_time = last_time_,
                       .organizations = total_organizations_,
                       .evolve_version = kEvolveVersion,
                       .rows_version = kStateRowsVersion},
                      used_ids_.first_day(last_time_), now_, options_.checkpoint_every / 2);
}

LastDecision Partition::Machine::last_decision() {
  const auto crc = outbox_ ? outbox_->last_crc() : std::nullopt;
  if (!crc) return replayed_;
  const Number next = outbox_->next();
  return {next, outbox_->offset_of({next.value - 1}), *crc};
}

void Partition::Machine::finish_checkpoint() {
  const LastDecision last = last_decision();
  // While it replays, rows of earlier checkpoints may know more than it has read.
  if (last.next > known_to_store_.next) known_to_store_ = last;
  checkpointer_.finish(known_to_store_);
}

void Partition::Machine::write_checkpoint() {
  auto checkpoint = checkpointer_.finished();
  if (durable() < checkpoint->mark.last.next) return;
  writing_ = Writing::kWriting;
  const auto& helper = host_.run_in_background ? host_.run_in_background : host_.run_aside;
  run_on(helper, [weak = weak_from_this(), post = host_.post, &store = store_, checkpoint] {
    post([weak, outcome = store.write(*checkpoint)] {
      if (const auto self = weak.lock()) self->on_written(outcome);
    });
  });
}

void Partition::Machine::on_written(const Result<void>& outcome) {
  if (failure_) return;
  write_failed_ = !outcome;
  if (!outcome && outcome.error().kind == ErrorKind::kCorrupt) {
    return on_store_error(outcome.error());
  }
  if (!outcome) {  // a full disk, say: the same checkpoint is tried again
    counts_.store_error = outcome.error().message;
    checkpoint_tried_ = now_;
    writing_ = Writing::kGathered;
    return;
  }
  counts_.store_error.clear();
  counts_.checkpoints++;
  checkpointer_.written();
  writing_ = Writing::kNothing;
}

void Partition::Machine::on_store_error(const Error& error) {
  if (error.kind == ErrorKind::kCorrupt) store_.condemn();
  fail(error);
}

Result<uint64_t> Partition::Machine::digest(std::string_view org) {
  const Entry* entry = organizations_.find(hash_of_org(org), org);
  StoredOrganization stored;
  const bool in_memory = entry != nullptr && !entry->waiting;
  if (!in_memory) stored = TRY(load(store_, rulebooks_, org));
  if (in_memory ? !entry->exists : !stored.exists) return 0;
  return state_digest(in_memory ? entry->organization : stored.organization);
}

}  // namespace tenure
