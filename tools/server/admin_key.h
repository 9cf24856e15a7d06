// The key of service:admin: 256 random bits or what the operator chose, known to the server only by
// its SHA-256.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "tools/server/service_key.h"

namespace tenure {

// Immutable after open; any thread.
class AdminKey {
 public:
  struct Opened;

  // `chosen` (TENURE_ADMIN_KEY) if there is one. Else the key whose hash the data directory keeps;
  // at the first start a new one, returned to be shown once.
  static Result<Opened> open(const std::string& data_directory,
                             const std::optional<std::string>& chosen);

  // Whether the data directory keeps the hash of a key. kCorrupt: what it keeps is none.
  static Result<bool> is_stored(const std::string& data_directory);

  // Whether a key of this hash is it. Compares in constant time.
  bool admits(const KeyHash& hash) const;

 private:
  explicit AdminKey(const KeyHash& hash) : hash_(hash) {}

  KeyHash hash_;
};

struct AdminKey::Opened {
  AdminKey key;
  std::optional<std::string> generated;  // show it now: it is stored nowhere
};

}  // namespace tenure
