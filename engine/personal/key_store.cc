#include "engine/personal/key_store.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <unordered_set>

#include "engine/personal/key_file.h"

namespace tenure {
namespace {

using key_file::GroupBuilder;
using key_file::kMagic;

std::span<const std::byte> magic_bytes() { return std::as_bytes(std::span(kMagic)); }

// Bytes of the key file, zeroed when they go.
struct SecretBytes {
  std::vector<std::byte> bytes;
  SecretBytes() = default;
  explicit SecretBytes(std::vector<std::byte> given) : bytes(std::move(given)) {}
  SecretBytes(SecretBytes&&) = default;
  ~SecretBytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

Result<PersonKey> random_key() {
  PersonKey key;
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) {
    return fail(ErrorKind::kUnavailable, "the system gives no random bytes for a key; try again");
  }
  return key;
}

// Keys are nobody else's to read. Fine where the directory is not of this machine (tests).
Result<void> keep_private(const std::string& directory) {
  std::error_code error;
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  if (!error || error == std::errc::no_such_file_or_directory) return {};
  return fail(ErrorKind::kIo, "cannot make " + directory + " private: " + error.message());
}

std::string path_in(const std::string& directory) { return directory + "/people"; }

Result<SecretBytes> read_whole(const File& file) {
  SecretBytes content{std::vector<std::byte>(TRY(file.size()))};
  content.bytes.resize(TRY(file.read_at(0, content.bytes)));
  return content;
}

// Calls `found` with each key of the file; gives where the sound part ends: at a torn end, or at
// the end.
Result<size_t> read_keys(
    const std::string& path, std::span<const std::byte> bytes,
    const std::function<void(std::string_view, key_file::RecordBytes)>& found) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(key_file::kMagicOfAnyVersion)) {
    return fail(ErrorKind::kCorrupt, path + " is not a key file; restore it from a backup");
  }
  if (!text.starts_with(kMagic)) {
    return fail(ErrorKind::kUnsupported, path + " was written by a newer Tenure; upgrade");
  }
  size_t end = kMagic.size();
  while (end < bytes.size()) {
    const auto group_size = key_file::read_group(bytes.subspan(end), found);
    if (!group_size) break;
    end += *group_size;
  }
  if (end == bytes.size() || key_file::may_be_torn(bytes.subspan(end))) return end;
  return fail(ErrorKind::kCorrupt,
              path + " is damaged at byte " + std::to_string(end) + "; restore it from a backup");
}

class KeysToRead final : public PersonKeys {
 public:
  std::unordered_map<std::string, PersonKey, TextHash, std::equal_to<>> keys;
  ~KeysToRead() override {
    for (auto& [subject, key] : keys) OPENSSL_cleanse(key.data(), key.size());
  }
  Result<std::vector<PersonKey>> keys_of(std::span<const std::string_view>) override {
    return fail(ErrorKind::kInvalid, "the key store is open for reading");
  }
  std::optional<PersonKey> find(std::string_view subject) const override {
    const auto found = keys.find(subject);
    return found == keys.end() ? std::nullopt : std::optional(found->second);
  }
  Result<void> destroy(std::string_view) override {
    return fail(ErrorKind::kInvalid, "the key store is open for reading");
  }
};

// What stood there until now, for a disk that writes in place.
Result<void> wipe(File& file, uint64_t size) {
  const std::vector<std::byte> zeros(size_t{64} << 10);
  for (uint64_t at = 0; at < size; at += zeros.size()) {
    const uint64_t left = std::min<uint64_t>(zeros.size(), size - at);
    TRY(file.write_at(at, {std::span(zeros).first(left)}));
  }
  return file.sync();
}

}  // namespace

KeyStore::KeyStore(FileSystem& files, std::string directory, std::unique_ptr<FileLock> lock)
    : files_(files), directory_(std::move(directory)), lock_(std::move(lock)) {}

KeyStore::~KeyStore() {
  for (auto& [subject, entry] : entries_) OPENSSL_cleanse(entry.key.data(), entry.key.size());
}

Result<std::unique_ptr<KeyStore>> KeyStore::open(FileSystem& files, const std::string& directory) {
  TRY(files.create_directory(directory));
  TRY(keep_private(directory));
  auto lock = TRY(files.lock(directory + "/lock", "the key store of tenure"));
  std::unique_ptr<KeyStore> store(new KeyStore(files, directory, std::move(lock)));
  // What a crash left of a rewrite that did not take effect.
  const auto removed = files.remove(store->path() + ".new");
  if (!removed && removed.error().kind != ErrorKind::kNotFound) {
    return std::unexpected(removed.error());
  }
  auto file = files.open(store->path(), OpenMode::kReadWrite);
  if (file) {
    store->file_ = *std::move(file);
    TRY(store->load());
  } else if (file.error().kind == ErrorKind::kNotFound) {
    TRY(store->rewrite());
  } else {
    return std::unexpected(file.error());
  }
  return store;
}

Result<size_t> KeyStore::examine(FileSystem& files, const std::string& directory) {
  const std::string path = path_in(directory);
  const auto file = TRY(files.open(path, OpenMode::kRead));
  const SecretBytes content = TRY(read_whole(*file));
  std::unordered_set<std::string> people;
  (void)TRY(read_keys(path, content.bytes,
                      [&](std::string_view subject, auto) { people.emplace(subject); }));
  return people.size();
}

Result<std::unique_ptr<PersonKeys>> KeyStore::open_to_read(FileSystem& files,
                                                           const std::string& directory) {
  const std::string path = path_in(directory);
  const auto file = TRY(files.open(path, OpenMode::kRead));
  const SecretBytes content = TRY(read_whole(*file));
  auto read = std::make_unique<KeysToRead>();
  (void)TRY(
      read_keys(path, content.bytes, [&](std::string_view subject, key_file::RecordBytes key) {
        std::ranges::copy(key, read->keys[std::string(subject)].begin());
      }));
  return std::unique_ptr<PersonKeys>(std::move(read));
}

std::string KeyStore::path() const { return path_in(directory_); }

Result<void> KeyStore::load() {
  const SecretBytes content = TRY(read_whole(*file_));
  size_ = TRY(read_keys(path(), content.bytes, [&](std::string_view subject, auto key) {
    Entry& entry = entries_[std::string(subject)];
    std::ranges::copy(key, entry.key.begin());
  }));
  if (size_ == content.bytes.size()) return {};
  TRY(file_->truncate(size_));
  return file_->sync();
}

Result<const KeyStore::Entry*> KeyStore::find_or_add(std::string_view subject) {
  const auto found = entries_.find(subject);
  if (found != entries_.end()) return &found->second;
  if (subject.empty() || subject.size() > key_file::kMaxSubjectSize) {
    return fail(ErrorKind::kInvalid, "a key belongs to an id of 1-" +
                                         std::to_string(key_file::kMaxSubjectSize) + " bytes");
  }
  const PersonKey key = TRY(random_key());
  const uint64_t groups_ahead = waiting_.size() / key_file::kMaxRecordsPerGroup;
  const auto added = entries_.emplace(subject, Entry{key, next_group_ + groups_ahead}).first;
  waiting_.push_back(&*added);
  return &added->second;
}

// Whoever comes first writes for all who wait; the others find it done.
template <class Done>
Result<void> KeyStore::write_until(Done done, std::unique_lock<std::mutex>& lock) {
  while (!failure_ && !done()) {
    if (writing_) {
      turn_over_.wait(lock);
    } else {
      write_next_group(lock);
    }
  }
  if (failure_) return std::unexpected(*failure_);
  return {};
}

void KeyStore::write_next_group(std::unique_lock<std::mutex>& lock) {
  SecretBytes group;
  GroupBuilder builder(group.bytes);
  const size_t records = std::min(waiting_.size(), key_file::kMaxRecordsPerGroup);
  for (size_t i = 0; i < records; ++i) builder.add(waiting_[i]->first, waiting_[i]->second.key);
  builder.close();
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(records));
  const uint64_t number = next_group_++;

  writing_ = true;
  lock.unlock();
  Result<void> outcome = file_->write_at(size_, {group.bytes});
  if (outcome) outcome = file_->sync();
  lock.lock();
  writing_ = false;

  if (outcome) {
    size_ += group.bytes.size();
    durable_group_ = number;
  } else {
    failure_ = outcome.error();
  }
  turn_over_.notify_all();
}

Result<std::vector<PersonKey>> KeyStore::keys_of(std::span<const std::string_view> subjects) {
  std::unique_lock lock(mutex_);
  std::vector<PersonKey> keys;
  uint64_t group = 0;
  for (const std::string_view subject : subjects) {
    const Entry* entry = TRY(find_or_add(subject));
    keys.push_back(entry->key);
    group = std::max(group, entry->group);
  }
  TRY(write_until([&] { return durable_group_ >= group; }, lock));
  return keys;
}

std::optional<PersonKey> KeyStore::find(std::string_view subject) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(subject);
  if (found == entries_.end()) return std::nullopt;
  return found->second.key;
}

Result<void> KeyStore::destroy(std::string_view subject) {
  std::unique_lock lock(mutex_);
  TRY(write_until([&] { return !writing_ && waiting_.empty(); }, lock));
  const auto found = entries_.find(subject);
  if (found == entries_.end()) {
    return fail(ErrorKind::kNotFound, "there is no key of " + std::string(subject));
  }
  OPENSSL_cleanse(found->second.key.data(), found->second.key.size());
  entries_.erase(found);
  const Result<void> outcome = rewrite();
  if (!outcome) failure_ = outcome.error();
  return outcome;
}

// The file anew, with the keys there are: wholly or not at all. Then what it was is wiped.
Result<void> KeyStore::rewrite() {
  SecretBytes content;
  std::ranges::copy(magic_bytes(), std::back_inserter(content.bytes));
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    GroupBuilder group(content.bytes);
    for (size_t i = 0; i < key_file::kMaxRecordsPerGroup && entry != entries_.end(); ++i, ++entry) {
      group.add(entry->first, entry->second.key);
    }
    group.close();
  }
  const std::string fresh = path() + ".new";
  auto file = TRY(files_.open(fresh, OpenMode::kCreateNew));
  TRY(file->write_at(0, {content.bytes}));
  TRY(file->sync());
  TRY(files_.rename(fresh, path()));
  TRY(files_.sync_directory(directory_));
  const auto before = std::exchange(file_, std::move(file));
  const uint64_t size_before = std::exchange(size_, content.bytes.size());
  return before ? wipe(*before, size_before) : Result<void>();
}

}  // namespace tenure
