// The inside of a partition (partition.h). Its methods stand in three files: partition.cc (the
// step), storage.cc (what waits for a helper thread), recovery.cc (open).
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/log/log_reader.h"
#include "engine/partition/checkpointer.h"
#include "engine/partition/decision_builder.h"
#include "engine/partition/organizations.h"
#include "engine/partition/outbox.h"
#include "engine/partition/partition.h"
#include "engine/partition/settled_mark.h"
#include "engine/partition/used_ids.h"

namespace tenure {

class Partition::Machine : public std::enable_shared_from_this<Machine> {
 public:
  Machine(DecisionLog& log, StateStore& store, const Rulebooks& rulebooks, const Catalog& catalog,
          PartitionOptions options, PartitionHost host);

  // Takes over the store's state as of `mark` and follows the log to its end. On an error with
  // store_damaged() the store can be begun anew, and another machine with it.
  Result<void> recover(const std::optional<CheckpointMark>& mark, Time now);
  bool store_damaged() const { return store_damaged_; }
  // Reads up to a claim that was made, and writes under it from then on.
  Result<void> begin_session(Session session);
  void claim(Writer writer);
  bool is_writer() const { return outbox_.has_value(); }
  bool release();
  bool idle() const { return *jobs_ == 0; }
  PartitionId partition() const { return options_.id; }

  void submit(CommandBytes command, Reply reply, std::optional<uint64_t> source);
  bool step(Time now);
  std::optional<Time> next_due() const;
  Number next_number() const { return outbox_ ? outbox_->next() : followed_number(); }
  Number durable() const { return outbox_ ? outbox_->durable() : followed_number(); }
  const std::optional<Error>& failure() const { return failure_; }
  uint64_t settled() const { return settled_.mark(); }
  PartitionStats stats() const;
  Result<uint64_t> digest(std::string_view org);
  Result<void> save();

 private:
  using Entry = OrganizationEntry;

  // partition.cc: deciding.
  bool decide_due();
  void look_ahead();
  bool decide_queued();
  bool process(Entry& entry, QueuedCommand& command);
  enum class Used : uint8_t { kNo, kAnswered, kWaits };
  Used answer_if_used(Entry& entry, QueuedCommand& command);
  bool do_due_work(Entry& entry);
  bool do_due_item(Entry& entry);
  bool do_sandbox_work(Entry& entry, const QueuedCommand& command);
  void decide_one(Entry& entry, std::span<const uint8_t> command, Reply reply,
                  std::optional<uint64_t> id_hash, std::optional<Time> due = {});
  void apply(Entry& entry, const schema::Decision& decision, Number number,
             std::optional<uint64_t> id_hash);
  void move_due(Entry& entry);
  void park(Entry& entry, QueuedCommand command);
  Time partition_time() const;
  std::optional<std::string> refusal() const;
  std::optional<PersonKeyName> key_of_erased(const schema::CommandEnvelope& command) const;
  bool has_room();
  void hand_over();
  void on_appended(const Result<void>& outcome);
  void fail(Error error);
  void settle(const QueuedCommand& command);
  void follow_services(const Entry& entry, Number number);
  const Services* services() const {  // what they may do; null: nobody was granted anything
    return services_ != nullptr ? services_.get() : services_elsewhere_.get();
  }
  void tell_services(Number durable);
  uint64_t hash_of_org(std::string_view org) const;
  uint64_t hash_of_id(const schema::CommandEnvelope& command);

  // storage.cc: what waits for a helper thread.
  void run_aside(std::function<void()> job) { run_on(host_.run_aside, std::move(job)); }
  void run_on(const std::function<void(std::function<void()>)>& helper, std::function<void()> job);
  static Result<StoredOrganization> load(const StateStore& store, const Rulebooks& rulebooks,
                                         std::string_view org);
  Entry& find_or_add(uint64_t hash, std::string_view org);
  void request_loads();
  void take_in(Entry& entry, StoredOrganization loaded);
  void on_loaded(Entry& entry, Result<StoredOrganization> loaded);
  void request_original(Entry& entry, Number number);
  void on_original(Entry& entry, Number number, const Result<AlignedBytes>& decision);
  void wait(Entry& entry);
  void resume(Entry& entry);
  void evict();
  bool step_checkpoint();
  void begin_checkpoint();
  void finish_checkpoint();
  LastDecision last_decision();
  void write_checkpoint();
  void on_written(const Result<void>& outcome);
  void on_store_error(const Error& error);

  // recovery.cc
  Result<void> load_store(const CheckpointMark& mark);
  Number followed_number() const { return reader_->position().next_number; }
  Result<bool> follow_on(size_t decisions);
  bool step_following();
  void on_claimed(const Result<Session>& session);
  Result<void> begin_if_there();
  Result<void> load_services();
  Result<Entry*> loaded_entry(std::string_view org);
  Result<void> replay_one(const ValidDecision& decision);
  Result<void> checkpoint_now();
  Result<void> complete_checkpoint();

  DecisionLog& log_;
  StateStore& store_;
  const Rulebooks& rulebooks_;
  const PartitionOptions options_;
  const PartitionHost host_;
  const StoreSecret secret_;
  const std::shared_ptr<std::atomic<size_t>> jobs_;  // on helper threads

  // The state as of decision next_number() - 1.
  Organizations organizations_;
  uint64_t total_organizations_ = 0;
  std::set<DueEntry> due_;  // the due index: of every organization, in memory or not
  UsedIds used_ids_;
  Time last_time_{};  // of the last decision

  // Either it follows, by the reader, or it writes, by the outbox.
  std::unique_ptr<LogReader> reader_;
  std::optional<Outbox> outbox_;
  bool claiming_ = false;
  std::optional<Session> claimed_;  // not read up to yet
  SettledMark settled_;
  uint64_t settled_below_ = ~uint64_t{0};  // as the host last said
  DecisionBuilder builder_;
  Time now_{};
  std::optional<std::string> refusal_;  // of this step
  std::optional<Error> failure_;

  // What services may do: of the organization `_tenure`, if it is in this partition, as of the last
  // decision; with the changes that nobody was told of yet, and their decisions. Else as others
  // told at the beginning of this step.
  std::shared_ptr<const Services> services_, services_elsewhere_;
  std::deque<std::pair<Number, std::shared_ptr<const Services>>> untold_services_;

  // A command waits in queue_ until it is looked at; then, if it must, in its entry.
  std::deque<QueuedCommand> queue_;
  std::deque<Entry*> resumed_;  // entries with parked commands that wait for nothing
  size_t parked_ = 0;
  size_t waiting_entries_ = 0;
  std::vector<Entry*> to_load_;

  Checkpointer checkpointer_;
  enum class Writing : uint8_t { kNothing, kGathering, kGathered, kWriting };
  Writing writing_ = Writing::kNothing;
  Time checkpoint_tried_{};      // when the last one began, or failed to be written
  LastDecision replayed_;        // before this session
  LastDecision known_to_store_;  // to any of its rows
  bool write_failed_ = false;
  bool store_damaged_ = false;

  std::vector<Number> candidates_;  // these two are kept for their memory
  std::string id_key_;
  PartitionStats counts_;
};

}  // namespace tenure
