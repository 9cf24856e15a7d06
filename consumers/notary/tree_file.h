// A partition's tree on disk: all its nodes, in the order in which growing it completes them, so
// that proofs of any size read O(log n) nodes and never the log.
//
//   file := (leaf subtree{k})...      32 bytes each; k: how many complete subtrees the leaf closes
//   place of node (level, index) := 2 * n - popcount(n) + level, where n = (index + 1) * 2^level -
//   1 is its last leaf
//
// 64 bytes a decision. It holds nothing that the log does not give again: whoever opens it says how
// many leaves are known good (of a signed head), and the rest is cut.
//
// One thread appends; node() from any, of what was synced.
#pragma once

#include <memory>
#include <string>

#include "consumers/notary/merkle_tree.h"
#include "engine/log/file_system.h"

namespace tenure {

class TreeFile final : public NodeSource {
 public:
  // `write`: makes the file if it is missing, and cuts it to the first `leaves`, or to none if it
  // holds fewer. Else kNotFound if there is none. kIo, kUnavailable.
  static Result<TreeFile> open(FileSystem& files, const std::string& path, uint64_t leaves);
  static Result<TreeFile> open_to_read(FileSystem& files, const std::string& path);

  // Whole leaves in the file, with all that they close; as it was opened, of one that is read.
  Result<uint64_t> leaves() const;
  Result<Hash> node(unsigned level, uint64_t index) const override;  // kCorrupt: not there

  // Kept in memory until flush(). After a failed flush (a full disk) it may be flushed again, after
  // a failed sync not.
  void append(const Hash& node);
  size_t waiting_bytes() const { return waiting_.size(); }
  Result<void> flush();
  Result<void> sync();  // flush, and on disk

 private:
  explicit TreeFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  std::unique_ptr<File> file_;
  uint64_t written_ = 0;  // bytes
  std::vector<std::byte> waiting_;
};

}  // namespace tenure
