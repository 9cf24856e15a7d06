#include "consumers/notary/verify_log.h"

#include <algorithm>

#include "consumers/notary/tree_builder.h"
#include "engine/json/json_edge.h"

namespace tenure {
namespace {

constexpr uint64_t kProgressEvery = 1u << 16;

std::string decisions(uint64_t begin, uint64_t end) {
  return "decisions " + std::to_string(begin) + " to " + std::to_string(end - 1);
}

bool is_damage(const Error& error) {
  return error.kind == ErrorKind::kCorrupt || error.kind == ErrorKind::kUnsupported;
}

// Holds the growing tree against the heads that are still ahead of it, by size.
class Heads {
 public:
  Heads(const std::vector<SignedHead>& heads, uint64_t begin, LogVerification& told)
      : heads_(heads), told_(told), agreed_(begin) {
    while (next_ < heads_.size() && heads_[next_].checkpoint.size < begin) ++next_;
  }

  // To be called for each size, from that of the beginning on.
  void see(const Frontier& tree, TreeHasher& hasher) {
    for (; next_ < heads_.size() && heads_[next_].checkpoint.size == tree.size(); ++next_) {
      const TreeHead& head = heads_[next_].checkpoint;
      if (head.root == tree.root(hasher)) {
        agreed_ = head.size;
        told_.met.push_back(head);
      } else if (!differs_) {
        differs_ = true;
        told_.findings.push_back("the log is not what was signed: " + describe(head) +
                                 " does not fit; one or more of the " +
                                 decisions(agreed_, head.size) +
                                 " were changed since, or the log before them");
      }
    }
  }

  // What was signed and is not there.
  void end(uint64_t size) {
    if (next_ == heads_.size()) return;
    const TreeHead& last = heads_.back().checkpoint;
    told_.findings.push_back("the log ends at " + std::to_string(size) +
                             " decisions, but is older than or cut below " + describe(last) + ": " +
                             decisions(size, last.size) + " are missing");
  }

 private:
  const std::vector<SignedHead>& heads_;
  LogVerification& told_;
  size_t next_ = 0;
  uint64_t agreed_;
  bool differs_ = false;
};

// Nodes that overlap a range are made of its leaves, the others are as `nodes` says.
class WithLeaves final : public NodeSource {
 public:
  WithLeaves(const NodeSource& nodes, uint64_t begin, std::vector<Hash> leaves)
      : nodes_(nodes), begin_(begin), leaves_(std::move(leaves)) {}

  Result<Hash> node(unsigned level, uint64_t index) const override {
    const uint64_t first = index << level, after = (index + 1) << level;
    if (after <= begin_ || first >= begin_ + leaves_.size()) return nodes_.node(level, index);
    if (level == 0) return leaves_[index - begin_];
    const Hash left = TRY(node(level - 1, 2 * index));
    const Hash right = TRY(node(level - 1, 2 * index + 1));
    return hasher_.node(left, right);
  }

 private:
  const NodeSource& nodes_;
  const uint64_t begin_;
  const std::vector<Hash> leaves_;
  mutable TreeHasher hasher_;
};

}  // namespace

std::string describe(const TreeHead& head) {
  std::string text = "the head of size " + std::to_string(head.size);
  if (head.time) text += " signed at " + format_time(to_micros(*head.time));
  return text;
}

BelievedHeads believe(std::vector<SignedHead> heads, const std::string& origin,
                      const std::vector<VerifierKey>& keys) {
  BelievedHeads believed;
  for (SignedHead& head : heads) {
    const auto refuse = [&](const std::string& why) {
      believed.findings.push_back(describe(head.checkpoint) + " " + why);
    };
    if (head.checkpoint.origin != origin) {
      refuse("is of another log: " + head.checkpoint.origin + ", not " + origin);
      continue;
    }
    bool holds = false, broken = false;
    for (const VerifierKey& key : keys) {
      const auto signed_by = key.has_signed(head);
      holds |= signed_by == true;
      broken |= signed_by == false;
    }
    if (broken) {
      refuse("was changed: its signature does not hold");
    } else if (!holds) {
      refuse("is not signed by a key that you trust");
    } else {
      believed.heads.push_back(std::move(head));
    }
  }
  std::ranges::stable_sort(believed.heads, {},
                           [](const SignedHead& head) { return head.checkpoint.size; });
  const auto fork = [](const SignedHead& a, const SignedHead& b) {
    return a.checkpoint.size == b.checkpoint.size && a.checkpoint.root != b.checkpoint.root;
  };
  const auto forked = std::ranges::adjacent_find(believed.heads, fork);
  if (forked != believed.heads.end()) {
    believed.findings.push_back("the log was forked: two heads of size " +
                                std::to_string(forked->checkpoint.size) +
                                " are signed and differ, which no honest notary does");
  }
  return believed;
}

Result<LogVerification> verify_log(std::unique_ptr<RecordCursor> cursor, ReaderPosition position,
                                   Frontier tree, const std::vector<SignedHead>& heads,
                                   const std::function<void(uint64_t)>& progress) {
  LogVerification told{.begin = tree.size(), .end = tree.size()};
  Heads to_meet(heads, tree.size(), told);
  {
    TreeHasher hasher;
    to_meet.see(tree, hasher);
  }
  TreeBuilder builder(std::move(tree), [&](const Frontier& grown, TreeHasher& hasher) {
    to_meet.see(grown, hasher);
  });
  LogReader reader(std::move(cursor), position);
  std::string damage;
  for (;;) {
    const auto decision = reader.next();
    if (!decision && !is_damage(decision.error())) return std::unexpected(decision.error());
    if (!decision) damage = "the log is damaged: " + decision.error().message;
    if (!decision || !*decision) break;
    const auto payload = (*decision)->payload;
    builder.add(payload);
    told.bytes += payload.size();
    const uint64_t read = reader.position().next_number.value;
    if (progress && read % kProgressEvery == 0) progress(read);
  }
  const Frontier& grown = builder.finish();
  if (!damage.empty()) told.findings.push_back(damage);
  to_meet.end(grown.size());
  told.end = grown.size();
  told.void_records = reader.void_records();
  TreeHasher hasher;
  told.root = grown.root(hasher);
  return told;
}

Result<LogVerification> verify_range(std::unique_ptr<RecordCursor> cursor, ReaderPosition position,
                                     uint64_t end, const NodeSource& nodes,
                                     const SignedHead& head) {
  LogVerification told{.begin = position.next_number.value, .end = position.next_number.value};
  TreeHasher hasher;
  LogReader reader(std::move(cursor), position);
  std::vector<Hash> leaves;
  while (told.end < end) {
    const auto decision = reader.next();
    if (!decision && !is_damage(decision.error())) return std::unexpected(decision.error());
    if (!decision) told.findings.push_back("the log is damaged: " + decision.error().message);
    if (!decision || !*decision) break;
    leaves.push_back(hasher.leaf((*decision)->payload));
    told.bytes += (*decision)->payload.size();
    ++told.end;
  }
  told.void_records = reader.void_records();
  if (told.end < end) {
    told.findings.push_back("the log ends before what " + describe(head.checkpoint) +
                            " covers: " + decisions(told.end, end) + " are missing");
    return told;
  }
  const WithLeaves tree(nodes, told.begin, std::move(leaves));
  told.root = TRY(tree_root(tree, head.checkpoint.size));
  if (told.root == head.checkpoint.root) {
    told.met.push_back(head.checkpoint);
  } else {
    told.findings.push_back(decisions(told.begin, end) + " are not what was signed by " +
                            describe(head.checkpoint) +
                            ", or the tree file is damaged: verify the whole log");
  }
  return told;
}

}  // namespace tenure
