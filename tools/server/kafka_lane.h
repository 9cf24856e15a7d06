// What is under way of one partition of the commands topic, and so how far it is settled.
//
// The intake's thread admits messages in the order of the topic; settle(), trouble() and the
// publication counts come from any thread, in any order. A command stays under way until it is
// settled: that which will not be (it could not be decided now, its result could not be sent) is
// trouble, and the intake reads again from the lowest unsettled one, in a new round. What comes for
// a round that is over counts no more.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "engine/base/ids.h"

namespace tenure {

class KafkaLane {
 public:
  struct Limits {
    size_t messages = 16'384;
    size_t bytes = 64u << 20;
  };
  struct Ticket {
    uint64_t round = 0, place = 0;
  };
  explicit KafkaLane(Limits limits) : limits_(limits) {}

  // A new round, whose first message is at `next` or behind it.
  void restart(Offset next);
  Ticket admit(Offset offset, size_t bytes);

  void settle(Ticket ticket);
  void trouble(Ticket ticket);
  bool troubled() const;

  // Every message below it is settled; nothing before the first round.
  std::optional<Offset> settled_below() const;
  Offset next() const;  // the lowest that was not admitted
  size_t under_way() const;

  // Waits, at most for `patience`, until less than the limits is under way.
  bool wait_for_room(std::chrono::milliseconds patience);
  bool has_room_again() const;  // half of the limits

  // Between these two a message is on its way to the results, the quarantine or another partition.
  void publication_begins();
  void publication_ended();
  bool wait_published(std::chrono::milliseconds patience);

 private:
  struct Entry {
    Offset offset;
    size_t bytes;
    bool settled;
  };
  bool is_full() const { return under_way_ >= limits_.messages || bytes_ >= limits_.bytes; }

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool waiting_ = false;  // somebody waits for a change
  uint64_t round_ = 0, first_place_ = 0;
  std::deque<Entry> entries_;  // from the lowest unsettled on
  Offset next_;
  size_t under_way_ = 0, bytes_ = 0, publications_ = 0;
  bool troubled_ = false;
};

}  // namespace tenure
