// The API keys of services: 256 random bits behind the key's id, known to the log only by their
// SHA-256.
//
//   text := "tnr_" key "_" secret      secret: 64 hexadecimal digits
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/time.h"
#include "engine/domain/services.h"

namespace tenure {

struct NewServiceKey {
  std::string text;  // to be shown once: it is stored nowhere
  KeyHash hash;
};
NewServiceKey new_service_key(std::string_view key);

// 256 random bits, as hexadecimal digits.
std::string new_secret();
KeyHash hash_of_key(std::string_view text);
std::string to_hex(std::string_view bytes);

// The service that `text`, whose hash is `hash`, is a key of: one that exists, was not revoked, and
// has not expired at `now`. Compares hashes in constant time. `services` may be null.
std::optional<std::string> holder_of_key(const Services* services, std::string_view text,
                                         const KeyHash& hash, Time now);

}  // namespace tenure
