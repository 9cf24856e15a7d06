#include "consumers/notary/tree_file.h"

#include <bit>

namespace tenure {
namespace {

constexpr uint64_t kNodeBytes = sizeof(Hash);

// How many nodes the first `leaves` make.
uint64_t nodes_of(uint64_t leaves) {
  return 2 * leaves - static_cast<uint64_t>(std::popcount(leaves));
}

uint64_t place_of(unsigned level, uint64_t index) {
  return nodes_of(((index + 1) << level) - 1) + level;
}

}  // namespace

Result<TreeFile> TreeFile::open(FileSystem& files, const std::string& path, uint64_t leaves) {
  auto opened = files.open(path, OpenMode::kReadWrite);
  if (!opened && opened.error().kind == ErrorKind::kNotFound) {
    opened = files.open(path, OpenMode::kCreateNew);
  }
  TreeFile tree(TRY(std::move(opened)));
  const uint64_t size = TRY(tree.file_->size());
  const uint64_t wanted = nodes_of(leaves) * kNodeBytes;
  tree.written_ = wanted <= size ? wanted : 0;
  if (tree.written_ != size) TRY(tree.file_->truncate(tree.written_));
  return tree;
}

Result<TreeFile> TreeFile::open_to_read(FileSystem& files, const std::string& path) {
  TreeFile tree(TRY(files.open(path, OpenMode::kRead)));
  tree.written_ = TRY(tree.file_->size());
  return tree;
}

// The number of leaves whose nodes fit: nodes_of() grows with it, so it is found by halving.
Result<uint64_t> TreeFile::leaves() const {
  const uint64_t nodes = (written_ + waiting_.size()) / kNodeBytes;
  uint64_t low = 0, high = nodes;
  while (low < high) {
    const uint64_t middle = low + (high - low + 1) / 2;
    if (nodes_of(middle) <= nodes) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

Result<Hash> TreeFile::node(unsigned level, uint64_t index) const {
  Hash hash;
  const uint64_t place = place_of(level, index);
  const size_t read =
      TRY(file_->read_at(place * kNodeBytes, std::as_writable_bytes(std::span(hash))));
  if (read == hash.size()) return hash;
  return fail(ErrorKind::kCorrupt, "the tree file ends before node " + std::to_string(level) + "/" +
                                       std::to_string(index) +
                                       "; it is made again from the log if it is deleted");
}

void TreeFile::append(const Hash& node) {
  const auto bytes = std::as_bytes(std::span(node));
  waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
}

Result<void> TreeFile::flush() {
  if (waiting_.empty()) return {};
  TRY(file_->write_at(written_, {waiting_}));
  written_ += waiting_.size();
  waiting_.clear();
  return {};
}

Result<void> TreeFile::sync() {
  TRY(flush());
  return file_->sync();
}

}  // namespace tenure
