#include "engine/partition/checkpointer.h"

#include <utility>

#include "engine/base/check.h"

namespace tenure {
namespace {

// A row is a few times larger than its key.
constexpr size_t kRowBytesPerKeyByte = 4;

}  // namespace

void Checkpointer::before_change(OrganizationEntry& entry, const schema::Decision& decision) {
  if (!entry.touched.empty() && entry.touched_in != current_) encode(entry);
  if (entry.touched.empty()) {
    entry.touched_in = current_;
    touched_.push_back(&entry);
  }
  const size_t before = entry.touched.bytes();
  touch_rows(entry.organization, decision, entry.touched);
  pending_bytes_ += (entry.touched.bytes() - before) * kRowBytesPerKeyByte;
}

void Checkpointer::add_id(Day day, UsedId id) {
  ids_[day].push_back(id);
  pending_bytes_ += sizeof(UsedId);
}

void Checkpointer::begin(const CheckpointMark& mark, Day first_day) {
  CHECK(!begun());
  checkpoint_ = std::make_shared<Checkpoint>();
  checkpoint_->mark = mark;
  checkpoint_->first_day = first_day;
  checkpoint_->ids = std::exchange(ids_, {});
  to_encode_ = std::exchange(touched_, {});
  pending_bytes_ = 0;
  current_++;
}

bool Checkpointer::gather(size_t bytes) {
  const size_t end = checkpoint_->rows.bytes() + bytes;
  while (!to_encode_.empty() && checkpoint_->rows.bytes() < end) {
    OrganizationEntry& entry = *to_encode_.back();
    to_encode_.pop_back();
    // Else it was encoded before a change, and what it holds now is of the next checkpoint.
    if (entry.touched_in != current_) encode(entry);
  }
  return to_encode_.empty();
}

void Checkpointer::encode(OrganizationEntry& entry) {
  const uint64_t chunk = checkpoint_->mark.position.next_number.value;
  encode_rows(entry.organization, entry.touched, chunk, checkpoint_->rows);
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

void Checkpointer::written() {
  written_ = current_ - 1;
  checkpoint_ = nullptr;
}

}  // namespace tenure
