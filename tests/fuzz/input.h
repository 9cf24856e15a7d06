// What a fuzz target is given: bytes, taken as choices. Where they end, every choice is 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// The entry of every target. libFuzzer calls it; where there is none, replay.cc does.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tenure::test {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : left_(data, size) {}

  bool empty() const { return left_.empty(); }
  uint8_t byte() {
    if (left_.empty()) return 0;
    const uint8_t next = left_.front();
    left_ = left_.subspan(1);
    return next;
  }
  // A byte, or after 255 the eight that follow.
  uint64_t number() {
    uint64_t value = byte();
    if (value < 255) return value;
    for (int i = 0; i < 8; ++i) value = value << 8 | byte();
    return value;
  }
  // Of two bytes, the same number of them wherever it is: for places in a file.
  uint64_t place(uint64_t end) {
    const uint64_t high = byte();
    return (high << 8 | byte()) % end;
  }
  uint64_t below(uint64_t end) { return number() % end; }
  std::string_view rest() const {
    return {reinterpret_cast<const char*>(left_.data()), left_.size()};
  }

 private:
  std::span<const uint8_t> left_;
};

}  // namespace tenure::test
