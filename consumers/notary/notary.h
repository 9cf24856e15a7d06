// Keeps one partition's Merkle tree and signs its heads: whoever holds a head notices any change of
// what it covers, whoever makes it.
//
// Follows the log as any consumer does; the engine neither waits for it nor knows of it. A head is
// signed when the log has grown and enough time or enough decisions have passed, after the tree is
// on disk, and appended to the file of heads. From then on the log must hold what was signed: where
// it ends before, or differs, the notary stops for ever and says so (kCorrupt).
//
//   directory := tree heads        tree_file.h; heads: notes, oldest first (checkpoint.h)
//
// The tree is made again from the log if it does not fit the last head. Threads: one follows and
// signs; heads and proofs from any.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "consumers/notary/checkpoint.h"
#include "consumers/notary/tree_file.h"
#include "consumers/subscription.h"

namespace tenure {

struct InclusionProof {
  Hash leaf;  // of the decision
  Proof proof;
};

struct NotaryOptions {
  std::string directory;  // of this partition; made if missing
  std::chrono::microseconds every{std::chrono::seconds(60)};
  uint64_t every_decisions = 100'000;
  FileSystem* files = &posix_file_system();
};

class Notary {
 public:
  // `log` and `key` outlive it. kNotFound: the partition has no claim yet, so no name; try again.
  // kCorrupt: the log is not the one that the heads were signed for, or they are damaged.
  static Result<std::unique_ptr<Notary>> open(DecisionLog& log, PartitionId partition,
                                              const SigningKey& key, NotaryOptions options);

  // Takes in up to `most` decisions; false if there were none.
  Result<bool> follow(uint64_t most);
  // Signs if it is due, or, `now_or_never`, if there is anything new: the head, for whoever
  // publishes it.
  Result<std::optional<SignedHead>> sign_if_due(Time now, bool now_or_never = false);

  const std::string& origin() const { return origin_; }
  // What can be proved.
  std::optional<SignedHead> latest() const;
  uint64_t signed_size() const;
  // Those of at least this size, oldest first, at most `limit`.
  Result<std::vector<SignedHead>> heads_from(uint64_t size, size_t limit) const;
  // For trees up to signed_size(); a proof is verified before it is given out. kInvalid: says what
  // can be asked for; kUnavailable: the tree is being made again; kCorrupt: its file is damaged.
  Result<InclusionProof> prove_inclusion(uint64_t number, uint64_t size) const;
  Result<Proof> prove_consistency(uint64_t from, uint64_t to) const;

 private:
  Notary(DecisionLog& log, PartitionId partition, const SigningKey& key, NotaryOptions options)
      : log_(log), partition_(partition), key_(key), options_(std::move(options)) {}
  Result<void> load();
  Result<void> resume_from(const SignedHead& head);
  Result<void> start_over();
  Result<std::string> read_heads(uint64_t begin, uint64_t end) const;
  Result<void> append_head(const SignedHead& head);
  Result<void> take(std::span<const std::byte> decision);
  Result<void> meet_heads();
  Result<void> sync_tree();
  Result<void> check_provable(uint64_t size) const;
  std::unexpected<Error> damaged() const;
  std::unexpected<Error> differs(const SignedHead& head, const std::string& how);

  DecisionLog& log_;
  const PartitionId partition_;
  const SigningKey& key_;
  const NotaryOptions options_;
  std::string origin_;

  TreeHasher hasher_;
  std::unique_ptr<TreeFile> tree_;
  Frontier frontier_;
  std::unique_ptr<LogSubscription> subscription_;
  // While the tree is made again: the heads that it must agree with, and how many it did.
  std::vector<SignedHead> to_meet_;
  size_t met_ = 0;
  std::atomic<bool> being_remade_ = false;
  std::unique_ptr<File> heads_;
  Time signed_at_{};
  std::optional<Error> stopped_;

  mutable std::mutex mutex_;
  std::optional<SignedHead> latest_;  // under mutex_, as is
  struct PlaceOfHead {
    uint64_t size, begin;
  };
  std::vector<PlaceOfHead> places_;  // in the file, by size
  uint64_t heads_bytes_ = 0;
};

}  // namespace tenure
