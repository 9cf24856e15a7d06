// Signed tree heads, as C2SP's tlog-checkpoint in a signed note (c2sp.org/signed-note), so that
// others' tools read them.
//
//   note       := checkpoint "\n" signature+
//   checkpoint := origin "\n" size "\n" base64(root) "\n" ("time " RFC 3339 "\n") other*
//   origin     := "tenure/" log_id "/" partition
//   other      := a line of text "\n"                  read by nobody here, but signed
//   signature  := "— " name " " base64(key_id:4 signature:64) "\n"     name: the origin
//   vkey       := name "+" hex(key_id) "+" base64(0x01 public_key:32)
//   key_id     := the first 4 bytes of SHA-256(name "\n" 0x01 public_key)
//
// The signature is Ed25519 over the checkpoint. Errors: kInvalid, which says what is wrong with a
// text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consumers/notary/merkle_hash.h"
#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace tenure {

std::string origin_of(std::string_view log_id, PartitionId partition);

struct TreeHead {
  std::string origin;
  uint64_t size = 0;  // decisions 0 up to this one are covered
  Hash root{};
  std::optional<Time> time;  // when it was signed, by the clock of who signed it

  std::string text() const;  // what is signed
  friend bool operator==(const TreeHead&, const TreeHead&) = default;
};

struct NoteSignature {
  std::string name;
  std::string key_id;     // 4 bytes
  std::string signature;  // 64 bytes, of a key as ours are
};

// A note about anything.
struct SignedNote {
  std::string text;  // what is signed, as it came: whole lines, none of them empty
  std::vector<NoteSignature> signatures;

  std::string note() const;
  static Result<SignedNote> parse(std::string_view note);
};

// A note about a tree.
struct SignedHead : SignedNote {
  TreeHead checkpoint;

  static Result<SignedHead> parse(std::string_view note);
};

// The notes of a text, one after the other. `torn`, if it is not null: set to where a last one
// begins that is not whole, as a crash may leave it; else that is an error too.
Result<std::vector<SignedHead>> parse_heads(std::string_view text, size_t* torn = nullptr);

// Whom a verifier trusts: the public key of one origin's notary.
class VerifierKey {
 public:
  static Result<VerifierKey> parse(std::string_view vkey);
  VerifierKey(std::string name, const Hash& public_key);

  const std::string& name() const { return name_; }
  const std::string& key_id() const { return key_id_; }
  std::string text() const;
  // Has this key signed it? Nothing: it has no signature that says so.
  std::optional<bool> has_signed(const SignedNote& note) const;

 private:
  std::string name_, key_id_;
  Hash public_key_;
};

// The keys of a text, one a line; blank lines and those from `#` on count for nothing.
Result<std::vector<VerifierKey>> parse_keys(std::string_view text);

// The key that a process signs with. It signs for every partition, under each one's name. Threads:
// any.
class SigningKey {
 public:
  // Reads it from a PEM file, which is made, readable by its owner alone, if it is missing. kIo;
  // kCorrupt: it holds no such key; kInvalid: others may read it.
  static Result<SigningKey> open_or_make(const std::string& path);
  static Result<SigningKey> open(const std::string& path);  // kNotFound

  VerifierKey public_key(std::string name) const { return {std::move(name), public_}; }
  SignedHead sign(TreeHead checkpoint) const;
  SignedNote sign(std::string name, std::string text) const;

 private:
  SigningKey(std::shared_ptr<void> key, const Hash& public_key)
      : key_(std::move(key)), public_(public_key) {}
  std::shared_ptr<void> key_;
  Hash public_;
};

}  // namespace tenure
