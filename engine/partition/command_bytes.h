// Commands as bytes from outside: size, shape and expanded size are checked here, once, before
// anything reads them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "schemas/commands_generated.h"

namespace tenure {

inline constexpr size_t kMaxCommandSize = 1u << 20;

// A command that passed verify_command: an owned, 8-byte aligned buffer. Movable, not copyable.
class CommandBytes {
 public:
  CommandBytes(CommandBytes&&) noexcept = default;
  CommandBytes& operator=(CommandBytes&&) noexcept = default;
  const schema::CommandEnvelope& get() const {
    return *flatbuffers::GetRoot<schema::CommandEnvelope>(data_.get());
  }
  std::span<const uint8_t> view() const {
    return {reinterpret_cast<const uint8_t*>(data_.get()), size_};
  }

 private:
  friend Result<CommandBytes> verify_vouched_command(std::span<const uint8_t> bytes);
  friend CommandBytes trusted_command(std::span<const uint8_t> bytes);
  CommandBytes(std::unique_ptr<uint64_t[]> data, size_t size)
      : data_(std::move(data)), size_(size) {}
  std::unique_ptr<uint64_t[]> data_;
  size_t size_;
};

// Copies and verifies a finished, identified CommandEnvelope: at most 1 MiB, Verifier (depth 16,
// 100,000 tables), then every string UTF-8 and the expanded size, each reference counted, at most
// 4 MiB. Refuses an id or organization that is not a valid id, and an actor that is not `user:` or
// `service:` and a valid id: what only the engine may use is among them; and what only an ingress
// says (vouched_command.h). kInvalid: the message
// begins with the rejection code to answer ("malformed: ...", "invalid_id: ...").
Result<CommandBytes> verify_command(std::span<const uint8_t> bytes);

// The same of a command that an ingress may have vouched for (vouched_command.h): the caller checks
// that one did.
Result<CommandBytes> verify_vouched_command(std::span<const uint8_t> bytes);

// Whether it is `user:` or `service:` and a valid id, as the actor of a command from outside is.
bool is_valid_actor(std::string_view actor);

// For commands the engine made itself (due work, messages that could not be read).
CommandBytes trusted_command(std::span<const uint8_t> bytes);

}  // namespace tenure
