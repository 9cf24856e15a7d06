#include "engine/partition/command_bytes.h"

#include <cstring>

#include "engine/domain/decide.h"
#include "engine/json/json_edge.h"

namespace tenure {
namespace {

constexpr size_t kMaxExpandedSize = 4u << 20;
constexpr size_t kMaxDepth = 16;
constexpr size_t kMaxTables = 100'000;

std::unexpected<Error> malformed(std::string what) {
  return fail(ErrorKind::kInvalid, "malformed: " + std::move(what));
}

std::unexpected<Error> invalid_id(std::string what) {
  return fail(ErrorKind::kInvalid, "invalid_id: " + std::move(what));
}

std::unique_ptr<uint64_t[]> aligned_copy(std::span<const uint8_t> bytes) {
  auto data = std::make_unique_for_overwrite<uint64_t[]>((bytes.size() + 7) / 8);
  std::memcpy(data.get(), bytes.data(), bytes.size());
  return data;
}

std::string_view view(const flatbuffers::String& text) { return {text.c_str(), text.size()}; }

// The id of an actor without its `user:` or `service:`; empty if it has neither.
std::string_view bare_actor(std::string_view actor) {
  for (const std::string_view prefix : {"user:", "service:"}) {
    if (actor.starts_with(prefix)) return actor.substr(prefix.size());
  }
  return {};
}

Result<void> check_ids(const schema::CommandEnvelope& envelope) {
  constexpr std::string_view kRule =
      " must be 1-128 of A-Z a-z 0-9 . _ : - and must not begin with `_`, `system:`, `user:`, "
      "`group:` or `service:`";
  if (!is_valid_id(view(*envelope.id())))
    return invalid_id("the command's id" + std::string(kRule));
  if (is_about_services(envelope.command_type())) {
    if (view(*envelope.org()) != kServicesOrganization) {
      return invalid_id(
          "services and their keys are managed in the organization `_tenure`; send this there");
    }
  } else if (!is_valid_id(view(*envelope.org()))) {
    return invalid_id("org" + std::string(kRule));
  }
  if (!is_valid_actor(view(*envelope.actor()))) {
    return invalid_id("actor must be user:<id> or service:<id>; the id" + std::string(kRule));
  }
  return {};
}

}  // namespace

bool is_valid_actor(std::string_view actor) { return is_valid_id(bare_actor(actor)); }

Result<CommandBytes> verify_vouched_command(std::span<const uint8_t> bytes) {
  if (bytes.size() > kMaxCommandSize) {
    return malformed("a command of " + std::to_string(bytes.size()) + " bytes; at most " +
                     std::to_string(kMaxCommandSize) + " are taken");
  }
  constexpr size_t kSmallest = sizeof(flatbuffers::uoffset_t) + flatbuffers::kFileIdentifierLength;
  if (bytes.size() < kSmallest || !schema::CommandEnvelopeBufferHasIdentifier(bytes.data())) {
    return malformed("not a CommandEnvelope: its bytes 4 to 7 must be `TNRC`");
  }
  CommandBytes command(aligned_copy(bytes), bytes.size());
  flatbuffers::Verifier verifier(command.view().data(), bytes.size(), kMaxDepth, kMaxTables);
  if (!schema::VerifyCommandEnvelopeBuffer(verifier)) {
    return malformed("not a valid CommandEnvelope; build it with schemas/commands.fbs");
  }
  if (const auto contents = check_contents(command_schema(), &command.get(), kMaxExpandedSize);
      !contents) {
    return malformed(contents.error().message);
  }
  TRY(check_ids(command.get()));
  if (command.get().command_as_UnreadableMessage() != nullptr) {
    return malformed("UnreadableMessage stands for what is no command; send the command itself");
  }
  return command;
}

// Nobody vouches for themselves.
Result<CommandBytes> verify_command(std::span<const uint8_t> bytes) {
  CommandBytes command = TRY(verify_vouched_command(bytes));
  if (command.get().sign_in() != nullptr) {
    return malformed("sign_in is said by the server that checked a sign-in; leave it out");
  }
  if (command.get().key_hash() != nullptr) {
    return malformed("key_hash is said by the server that made the key; leave it out");
  }
  if (command.get().sent_by() != nullptr) {
    return malformed("sent_by is said by the server that took the command; leave it out");
  }
  return command;
}

CommandBytes trusted_command(std::span<const uint8_t> bytes) {
  return CommandBytes(aligned_copy(bytes), bytes.size());
}

}  // namespace tenure
