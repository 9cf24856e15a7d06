// The admin API key: 256 random bits or what the operator chose, known to the server only by its
// SHA-256.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "tools/server/http.h"

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

  // Whether the request carries the key, as `Authorization: Bearer KEY` or `X-Api-Key: KEY`.
  // Compares hashes in constant time.
  bool admits(const Request& request) const;

 private:
  using Hash = std::array<unsigned char, 32>;
  explicit AdminKey(Hash hash) : hash_(hash) {}
  static Hash hash_of(std::string_view key);

  Hash hash_;
};

struct AdminKey::Opened {
  AdminKey key;
  std::optional<std::string> generated;  // show it now: it is stored nowhere
};

}  // namespace tenure
