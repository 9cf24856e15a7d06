// Memory for many small things that are freed all at once: decisions of a batch, rows of many
// organizations.
//
// Blocks grow with what was taken. Those of megabytes ask for large pages: what is read in another
// order than it was written would be a second cache miss for each page of 4 KiB, and each costs a
// fault. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace tenure {

class Arena {
 public:
  uint8_t* take(size_t size);  // 8-byte aligned
  // Takes back everything; the memory is kept for what comes next.
  void clear();
  size_t bytes() const { return bytes_; }  // taken since the last clear()

 private:
  struct Freed {
    void operator()(uint8_t* block) const { std::free(block); }
  };
  struct Block {
    std::unique_ptr<uint8_t, Freed> memory;
    size_t size;
  };

  void next_block(size_t size);

  std::vector<Block> blocks_;
  size_t used_ = 0;  // of blocks_
  uint8_t* next_ = nullptr;
  size_t left_ = 0, bytes_ = 0, held_ = 0;
};

}  // namespace tenure
