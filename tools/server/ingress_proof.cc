#include "tools/server/ingress_proof.h"

#include <openssl/crypto.h>

#include "engine/partition/vouched_command.h"
#include "engine/personal/sealed_box.h"

namespace tenure {
namespace {

// No user and no service is called so.
constexpr std::string_view kSubject = "_ingress";

}  // namespace

Result<PersonKey> ingress_key(PersonKeys& keys) {
  return TRY(keys.keys_of({&kSubject, 1})).front();
}

// A box is a function of the key, the place and the text: who makes the same one has the key.
std::string ingress_proof(const PersonKey& key, const schema::CommandEnvelope& command) {
  if (!is_vouched(command)) return {};
  std::string text;
  if (command.sign_in() != nullptr) text.append(command.sign_in()->string_view());
  text.push_back('\0');
  if (command.key_hash() != nullptr) {
    text.append(command.key_hash()->begin(), command.key_hash()->end());
  }
  if (command.sent_by() != nullptr) {
    text.push_back('\0');
    text.append(command.sent_by()->string_view());
  }
  const TextPlace place{command.org()->string_view(), command.actor()->string_view(),
                        command.id()->string_view(), "CommandEnvelope"};
  const auto box = seal_box(key, kSubject, place, text);
  return {box.begin(), box.end()};
}

bool is_ingress_proof(const PersonKey& key, const schema::CommandEnvelope& command,
                      std::string_view proof) {
  const std::string expected = ingress_proof(key, command);
  return !expected.empty() && expected.size() == proof.size() &&
         CRYPTO_memcmp(expected.data(), proof.data(), proof.size()) == 0;
}

}  // namespace tenure
