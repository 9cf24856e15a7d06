#include "tools/server/api_key.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <strings.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "engine/base/check.h"

namespace tenure {
namespace {

constexpr std::string_view kHashFile = "/admin_key.sha256";
constexpr size_t kShortestKey = 16;

template <class Bytes>
std::string to_hex(const Bytes& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

Error io_error(std::string_view what, const std::string& path) {
  return {ErrorKind::kIo,
          std::string("cannot ") + std::string(what) + " " + path + ": " + std::strerror(errno)};
}

// Readable by the operator alone, and on disk before the key is shown.
Result<void> store(const std::string& path, const std::string& text) {
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(io_error("create", path));
  bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                 ::fsync(file) == 0;
  Error failure = io_error("write", path);
  ::close(file);
  if (written) return {};
  ::unlink(path.c_str());
  return std::unexpected(failure);
}

// The 64 hexadecimal digits of the file; empty if there is no file.
Result<std::string> stored(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::string();
  std::string hex;
  file >> hex;
  bool valid = hex.size() == 64 && hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!valid) {
    return fail(ErrorKind::kCorrupt,
                path + " does not hold a SHA-256; remove it to get a new admin key");
  }
  return hex;
}

std::string_view presented_key(const Request& request) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view given = request.authorization;
  if (given.size() > kBearer.size() &&
      ::strncasecmp(given.data(), kBearer.data(), kBearer.size()) == 0) {
    return given.substr(kBearer.size());
  }
  return request.api_key;
}

}  // namespace

AdminKey::Hash AdminKey::hash_of(std::string_view key) {
  Hash hash;
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), hash.data());
  return hash;
}

Result<AdminKey::Opened> AdminKey::open(const std::string& data_directory,
                                        const std::optional<std::string>& chosen) {
  if (chosen) {
    if (chosen->size() < kShortestKey) {
      return fail(ErrorKind::kInvalid,
                  "TENURE_ADMIN_KEY is too short; choose at least 16 characters, at random");
    }
    return Opened{AdminKey(hash_of(*chosen)), std::nullopt};
  }
  const std::string path = data_directory + std::string(kHashFile);
  std::string hex = TRY(stored(path));
  if (hex.empty()) {
    std::array<unsigned char, 32> secret;
    CHECK(RAND_bytes(secret.data(), secret.size()) == 1);
    std::string key = "tnr_" + to_hex(secret);
    Hash hash = hash_of(key);
    TRY(store(path, to_hex(hash) + "\n"));
    return Opened{AdminKey(hash), key};
  }
  Hash hash;
  for (size_t i = 0; i < hash.size(); ++i) {
    hash[i] = static_cast<unsigned char>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  }
  return Opened{AdminKey(hash), std::nullopt};
}

Result<bool> AdminKey::is_stored(const std::string& data_directory) {
  return !TRY(stored(data_directory + std::string(kHashFile))).empty();
}

bool AdminKey::admits(const Request& request) const {
  std::string_view key = presented_key(request);
  if (key.empty()) return false;
  Hash hash = hash_of(key);
  return CRYPTO_memcmp(hash.data(), hash_.data(), hash.size()) == 0;
}

}  // namespace tenure
