// The keys of checkpoint.h: Ed25519 by OpenSSL.
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "consumers/notary/checkpoint.h"
#include "engine/base/check.h"

namespace tenure {
namespace {

constexpr uint8_t kEd25519 = 1;  // the signature type of the note format
constexpr size_t kSignatureBytes = 64;

const uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

std::unexpected<Error> io_error(const char* what, const std::string& path) {
  return fail(ErrorKind::kIo, std::string("cannot ") + what + " " + path + ": " + strerror(errno));
}

std::string key_id_of(std::string_view name, const Hash& public_key) {
  std::string message(name);
  message += '\n';
  message += static_cast<char>(kEd25519);
  message.append(public_key.begin(), public_key.end());
  const Hash hash = TreeHasher().sha256(std::as_bytes(std::span(message)));
  return {hash.begin(), hash.begin() + 4};
}

bool verifies(const Hash& public_key, std::string_view message, std::string_view signature) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()),
      EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  return key && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                          message.size()) == 1;
}

// Written whole and on disk before it is there under its name.
Result<void> make_key_file(const std::string& path) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  CHECK(key != nullptr);
  const std::string unfinished = path + ".tmp";
  ::unlink(unfinished.c_str());
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return io_error("create", unfinished);
  FILE* const stream = ::fdopen(file, "w");
  const bool written =
      PEM_write_PrivateKey(stream, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
      std::fflush(stream) == 0 && ::fsync(file) == 0;
  auto failed = io_error("write", unfinished);
  std::fclose(stream);
  if (!written) return failed;
  if (::rename(unfinished.c_str(), path.c_str()) != 0) return io_error("rename", unfinished);
  return {};
}

}  // namespace

VerifierKey::VerifierKey(std::string name, const Hash& public_key)
    : name_(std::move(name)), key_id_(key_id_of(name_, public_key)), public_key_(public_key) {}

Result<VerifierKey> VerifierKey::parse(std::string_view vkey) {
  const auto wrong = [&] {
    return fail(ErrorKind::kInvalid, "'" + std::string(vkey) +
                                         "' is not a key; it has the form NAME+ID+KEY, as tenure "
                                         "audit key prints it");
  };
  const size_t first = vkey.find('+');
  const size_t second = first == std::string_view::npos ? first : vkey.find('+', first + 1);
  if (second == std::string_view::npos || first == 0) return wrong();
  const auto bytes = from_base64(vkey.substr(second + 1));
  if (!bytes || bytes->size() != 1 + sizeof(Hash) || bytes->front() != kEd25519) return wrong();
  Hash public_key;
  std::copy(bytes->begin() + 1, bytes->end(), reinterpret_cast<char*>(public_key.data()));
  VerifierKey key(std::string(vkey.substr(0, first)), public_key);
  if (key.text() != vkey) return wrong();
  return key;
}

std::string VerifierKey::text() const {
  std::string key(1, static_cast<char>(kEd25519));
  key.append(public_key_.begin(), public_key_.end());
  std::string id;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char each : key_id_) {
    id += kDigits[static_cast<uint8_t>(each) >> 4];
    id += kDigits[static_cast<uint8_t>(each) & 15];
  }
  return name_ + "+" + id + "+" + to_base64({bytes_of(key), key.size()});
}

std::optional<bool> VerifierKey::has_signed(const SignedNote& note) const {
  for (const NoteSignature& each : note.signatures) {
    if (each.name != name_ || each.key_id != key_id_) continue;
    return each.signature.size() == kSignatureBytes &&
           verifies(public_key_, note.text, each.signature);
  }
  return std::nullopt;
}

Result<std::vector<VerifierKey>> parse_keys(std::string_view text) {
  std::vector<VerifierKey> keys;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    keys.push_back(TRY(VerifierKey::parse(line)));
  }
  if (keys.empty()) return fail(ErrorKind::kInvalid, "there is no key; one line is one key");
  return keys;
}

Result<SigningKey> SigningKey::open_or_make(const std::string& path) {
  auto key = open(path);
  if (key || key.error().kind != ErrorKind::kNotFound) return key;
  TRY(make_key_file(path));
  return open(path);
}

Result<SigningKey> SigningKey::open(const std::string& path) {
  FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr && errno == ENOENT) {
    return fail(ErrorKind::kNotFound, "there is no key " + path);
  }
  if (file == nullptr) return io_error("read", path);
  struct stat about{};
  const bool shown = ::fstat(::fileno(file), &about) == 0 && (about.st_mode & 077) != 0;
  std::shared_ptr<EVP_PKEY> key(PEM_read_PrivateKey(file, nullptr, nullptr, nullptr),
                                EVP_PKEY_free);
  std::fclose(file);
  if (shown) {
    return fail(ErrorKind::kInvalid, path + " is a private key that others may read: chmod 600");
  }
  Hash public_key;
  size_t size = public_key.size();
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key.get(), public_key.data(), &size) != 1) {
    return fail(ErrorKind::kCorrupt,
                path +
                    " holds no Ed25519 key; restore it from a backup, or remove it to sign with "
                    "another one, which verifiers then have to be given");
  }
  return SigningKey(std::move(key), public_key);
}

SignedHead SigningKey::sign(TreeHead checkpoint) const {
  SignedHead head;
  static_cast<SignedNote&>(head) = sign(checkpoint.origin, checkpoint.text());
  head.checkpoint = std::move(checkpoint);
  return head;
}

SignedNote SigningKey::sign(std::string name, std::string text) const {
  const VerifierKey key = public_key(std::move(name));
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr,
                           static_cast<EVP_PKEY*>(key_.get())) == 1);
  CHECK(EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size,
                       bytes_of(text), text.size()) == 1);
  return {std::move(text), {{key.name(), key.key_id(), std::move(signature)}}};
}

}  // namespace tenure
