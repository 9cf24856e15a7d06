// A box: text sealed for one person, as it is stored in the log for ever. Version with care.
//
//   box := nonce:u8[12] ciphertext tag:u8[16]
//
// AES-256-GCM under the person's key, the subject as associated data. The nonce is the first 12
// bytes of HMAC-SHA256 under the same key over where the text stands and the text itself: sealing
// again on a retry gives the same bytes, and no two texts ever share a nonce, even if a command id
// is used twice.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/personal/person_keys.h"

namespace tenure {

// Which text it is. Every part is free of NUL bytes.
struct TextPlace {
  std::string_view org, actor, command_id;
  std::string_view field;  // "AddMember.name"
};

std::vector<uint8_t> seal_box(const PersonKey& key, std::string_view subject,
                              const TextPlace& place, std::string_view text);

// Nothing if it was not sealed with this key for this subject, or changed since.
std::optional<std::string> open_box(const PersonKey& key, std::string_view subject,
                                    std::span<const uint8_t> box);

}  // namespace tenure
