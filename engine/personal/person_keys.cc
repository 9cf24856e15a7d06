#include "engine/personal/person_keys.h"

#include <openssl/sha.h>

#include <algorithm>

namespace tenure {

PersonKeyName name_of(const PersonKey& key) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(key.data(), key.size(), digest.data());
  PersonKeyName name;
  std::copy_n(digest.begin(), name.size(), name.begin());
  return name;
}

}  // namespace tenure
