#include "engine/personal/key_store.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iterator>
#include <unordered_set>

#include "engine/log/fail_point.h"
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

std::array<uint8_t, 32> record_of(const ErasureMark& mark) {
  std::array<uint8_t, 32> record{};
  std::ranges::copy(mark.log, record.begin());
  std::memcpy(&record[mark.log.size()], &mark.next, sizeof mark.next);
  return record;
}

ErasureMark mark_of(key_file::RecordBytes record) {
  ErasureMark mark;
  std::copy_n(record.begin(), mark.log.size(), mark.log.begin());
  std::memcpy(&mark.next, &record[mark.log.size()], sizeof mark.next);
  return mark;
}

// Calls `found` with each key of the file.
struct FoundKeys {
  size_t end;  // of the sound part: the file's, or a torn end begins there
  ErasureMark mark;
};
Result<FoundKeys> read_keys(
    const std::string& path, std::span<const std::byte> bytes,
    const std::function<void(std::string_view, key_file::RecordBytes)>& found) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(key_file::kMagicOfAnyVersion)) {
    return fail(ErrorKind::kCorrupt, path + " is not a key file; restore it from a backup");
  }
  if (!text.starts_with(kMagic)) {
    return fail(ErrorKind::kUnsupported, path + " was written by a newer Tenure; upgrade");
  }
  FoundKeys all{.end = kMagic.size(), .mark = {}};
  size_t& end = all.end;
  while (end < bytes.size()) {
    const auto group_size = key_file::read_group(
        bytes.subspan(end), [&](std::string_view subject, key_file::RecordBytes record) {
          subject.empty() ? void(all.mark = mark_of(record)) : found(subject, record);
        });
    if (!group_size) break;
    end += *group_size;
  }
  if (end == bytes.size() || key_file::may_be_torn(bytes.subspan(end))) return all;
  return fail(ErrorKind::kCorrupt,
              path + " is damaged at byte " + std::to_string(end) + "; restore it from a backup");
}

class KeysToRead final : public PersonKeys {
 public:
  std::unordered_map<std::string, PersonKey, TextHash, std::equal_to<>> keys;
  ErasureMark mark;
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
  Result<void> catch_up() override { return {}; }
  Result<void> destroy(std::string_view, const PersonKeyName&) override {
    return fail(ErrorKind::kInvalid, "the key store is open for reading");
  }
  ErasureMark erasure_mark(PartitionId) const override { return mark; }
  Result<void> mark_erasures(PartitionId, const ErasureMark&) override {
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
    std::unique_lock lock(store->mutex_);
    TRY(store->rewrite(lock));
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
  const auto add = [&](std::string_view subject, key_file::RecordBytes key) {
    std::ranges::copy(key, read->keys[std::string(subject)].begin());
  };
  read->mark = TRY(read_keys(path, content.bytes, add)).mark;
  return std::unique_ptr<PersonKeys>(std::move(read));
}

std::string KeyStore::path() const { return path_in(directory_); }

Result<void> KeyStore::load() {
  const SecretBytes content = TRY(read_whole(*file_));
  const FoundKeys found =
      TRY(read_keys(path(), content.bytes, [&](std::string_view subject, auto key) {
        Entry& entry = entries_[std::string(subject)];
        std::ranges::copy(key, entry.key.begin());
      }));
  size_ = found.end;
  mark_ = found.mark;
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
  const uint64_t groups_ahead = waiting_.size() / key_file::kMaxKeysPerGroup;
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
      continue;
    }
    writing_ = true;
    const auto outcome = rewrites_ < wanted_rewrites_ ? rewrite(lock) : write_next_group(lock);
    writing_ = false;
    if (!outcome) failure_ = outcome.error();
    turn_over_.notify_all();
  }
  if (failure_) return std::unexpected(*failure_);
  return {};
}

Result<void> KeyStore::write_next_group(std::unique_lock<std::mutex>& lock) {
  SecretBytes group;
  GroupBuilder builder(group.bytes);
  const size_t keys = std::min(waiting_.size(), key_file::kMaxKeysPerGroup);
  for (size_t i = 0; i < keys; ++i) builder.add(waiting_[i]->first, waiting_[i]->second.key);
  if (std::exchange(mark_waits_, false)) builder.add({}, record_of(mark_));
  builder.close();
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(keys));
  const uint64_t number = next_group_++;

  lock.unlock();
  Result<void> outcome = file_->write_at(size_, {group.bytes});
  if (outcome) outcome = file_->sync();
  lock.lock();
  if (!outcome) return outcome;
  size_ += group.bytes.size();
  durable_group_ = number;
  return {};
}

// The file anew, with the keys in it that were not destroyed since.
Result<void> KeyStore::rewrite(std::unique_lock<std::mutex>& lock) {
  SecretBytes content;
  std::ranges::copy(magic_bytes(), std::back_inserter(content.bytes));
  if (mark_ != ErasureMark{}) {
    GroupBuilder group(content.bytes);
    group.add({}, record_of(mark_));
    group.close();
  }
  std::vector<const Entries::value_type*> kept;
  for (const auto& entry : entries_) {
    if (entry.second.group <= durable_group_) kept.push_back(&entry);
  }
  for (size_t at = 0; at < kept.size(); at += key_file::kMaxKeysPerGroup) {
    GroupBuilder group(content.bytes);
    const size_t end = std::min(at + key_file::kMaxKeysPerGroup, kept.size());
    for (size_t i = at; i < end; ++i) group.add(kept[i]->first, kept[i]->second.key);
    group.close();
  }
  const uint64_t wanted = wanted_rewrites_;

  lock.unlock();
  const Result<void> outcome = replace_file(content.bytes);
  lock.lock();
  if (outcome) rewrites_ = wanted;
  return outcome;
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

Result<void> KeyStore::destroy(std::string_view subject, const PersonKeyName& name) {
  std::unique_lock lock(mutex_);
  const auto is_named = [&](Entries::const_iterator found) {
    return found != entries_.end() && name_of(found->second.key) == name;
  };
  auto found = entries_.find(subject);
  if (is_named(found)) {
    // What is on its way into the file has to be in it first.
    TRY(write_until([&, group = found->second.group] { return durable_group_ >= group; }, lock));
    found = entries_.find(subject);
  }
  if (is_named(found)) {
    OPENSSL_cleanse(found->second.key.data(), found->second.key.size());
    entries_.erase(found);
    ++wanted_rewrites_;
  }
  // Also where another thread is at it.
  return write_until([&, wanted = wanted_rewrites_] { return rewrites_ >= wanted; }, lock);
}

ErasureMark KeyStore::erasure_mark(PartitionId) const {
  const std::lock_guard lock(mutex_);
  return mark_;
}

Result<void> KeyStore::mark_erasures(PartitionId, const ErasureMark& mark) {
  std::unique_lock lock(mutex_);
  mark_ = mark;
  mark_waits_ = true;
  return write_until([&, group = next_group_] { return durable_group_ >= group; }, lock);
}

// Wholly or not at all. Then what it was is wiped.
Result<void> KeyStore::replace_file(std::span<const std::byte> content) {
  const std::string fresh = path() + ".new";
  auto file = TRY(files_.open(fresh, OpenMode::kCreateNew));
  TRY(file->write_at(0, {content}));
  TRY(file->sync());
  fail_point("keys.before_rename");
  TRY(files_.rename(fresh, path()));
  TRY(files_.sync_directory(directory_));
  fail_point("keys.after_rename");
  const auto before = std::exchange(file_, std::move(file));
  const uint64_t size_before = std::exchange(size_, content.size());
  return before ? wipe(*before, size_before) : Result<void>();
}

}  // namespace tenure
