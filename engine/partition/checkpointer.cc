#include "engine/partition/checkpointer.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace tenure {
namespace {

// What gather() encodes at once, in estimated bytes, of a checkpoint that is so small.
constexpr size_t kSmallCheckpoint = 16u << 10;

// About how much the rows that it changed will take. A row is a few times larger than its key.
size_t estimated_bytes(const OrganizationEntry& entry) { return entry.touched.bytes() * 4; }

}  // namespace

void Checkpointer::before_change(OrganizationEntry& entry, const schema::Decision& decision) {
  if (entry.touched.empty()) {
    entry.touched_in = current_;
    touched_.push_back(&entry);
  }
  const size_t before = estimated_bytes(entry);
  touch_rows(entry.organization, decision, entry.touched);
  // Else it is still to be encoded for the checkpoint begun, and goes with it.
  if (entry.touched_in == current_) pending_bytes_ += estimated_bytes(entry) - before;
}

void Checkpointer::add_id(Day day, UsedId id) {
  ids_[day].push_back(id);
  pending_bytes_ += sizeof(UsedId);
}

void Checkpointer::begin(const CheckpointMark& mark, Day first_day, Time now, Duration patience) {
  CHECK(!begun());
  checkpoint_ = spare_ ? std::move(spare_) : std::make_shared<Checkpoint>();
  checkpoint_->mark = mark;
  checkpoint_->first_day = first_day;
  checkpoint_->ids = std::exchange(ids_, {});
  to_encode_ = std::exchange(touched_, {});
  to_gather_ = std::exchange(pending_bytes_, 0);
  gathered_ = 0;
  begun_at_ = now;
  patience_ = patience;
  current_++;
}

bool Checkpointer::gather(Number next, Time now) {
  begun_at_ = std::min(begun_at_, now);  // the clock may have gone back
  const Duration since = now - begun_at_;
  size_t wanted = kSmallCheckpoint + 2 * pending_bytes_;
  if (since >= patience_) {
    wanted += to_gather_;
  } else {
    wanted += static_cast<size_t>(static_cast<double>(to_gather_) *
                                  std::chrono::duration<double>(since) / patience_);
  }
  while (!to_encode_.empty() && gathered_ < wanted) {
    OrganizationEntry& entry = *to_encode_.back();
    to_encode_.pop_back();
    gathered_ += estimated_bytes(entry);
    encode(entry, next);
  }
  return to_encode_.empty();
}

void Checkpointer::gather_all(Number next) {
  for (OrganizationEntry* entry : std::exchange(to_encode_, {})) encode(*entry, next);
}

void Checkpointer::encode(OrganizationEntry& entry, Number next) {
  const uint64_t chunk = checkpoint_->mark.position.next_number.value;
  encode_rows(entry.organization, entry.touched, chunk, next, checkpoint_->rows);
  entry.touched.clear();
  entry.complete_in = current_ - 1;
  const std::string& org = entry.organization.id.str();
  if (entry.due != entry.stored_due) {
    if (entry.stored_due) checkpoint_->due_removed.push_back({*entry.stored_due, org});
    if (entry.due) checkpoint_->due_added.push_back({*entry.due, org});
    entry.stored_due = entry.due;
  }
  organizations_.count_memory(entry);
}

void Checkpointer::finish(const LastDecision& last) {
  CHECK(begun() && to_encode_.empty());
  checkpoint_->mark.last = last;
}

void Checkpointer::written() {
  written_ = current_ - 1;
  const auto done = std::exchange(checkpoint_, nullptr);
  // Its memory is wanted again if as much changes as before; else it goes back.
  if (pending_bytes_ <= to_gather_ / 4) return;
  done->rows.clear();
  done->due_removed.clear();
  done->due_added.clear();
  spare_ = done;
}

}  // namespace tenure
