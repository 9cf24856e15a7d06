#include "tools/server/admin_key.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace tenure {
namespace {

constexpr std::string_view kHashFile = "/admin_key.sha256";
constexpr size_t kShortestKey = 16;

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

}  // namespace

Result<AdminKey::Opened> AdminKey::open(const std::string& data_directory,
                                        const std::optional<std::string>& chosen) {
  if (chosen) {
    if (chosen->size() < kShortestKey) {
      return fail(ErrorKind::kInvalid,
                  "TENURE_ADMIN_KEY is too short; choose at least 16 characters, at random");
    }
    return Opened{AdminKey(hash_of_key(*chosen)), std::nullopt};
  }
  const std::string path = data_directory + std::string(kHashFile);
  std::string hex = TRY(stored(path));
  if (hex.empty()) {
    std::string key = "tnr_" + new_secret();
    const KeyHash hash = hash_of_key(key);
    TRY(store(path, to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()}) + "\n"));
    return Opened{AdminKey(hash), std::move(key)};
  }
  KeyHash hash;
  for (size_t i = 0; i < hash.size(); ++i) {
    hash[i] = static_cast<unsigned char>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  }
  return Opened{AdminKey(hash), std::nullopt};
}

Result<bool> AdminKey::is_stored(const std::string& data_directory) {
  return !TRY(stored(data_directory + std::string(kHashFile))).empty();
}

bool AdminKey::admits(const KeyHash& hash) const {
  return CRYPTO_memcmp(hash.data(), hash_.data(), hash.size()) == 0;
}

}  // namespace tenure
