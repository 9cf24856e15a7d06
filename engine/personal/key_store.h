// The keys of persons in a file of the data directory. Threads that need new keys at the same time
// share one sync.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/ids.h"
#include "engine/log/file_system.h"
#include "engine/personal/person_keys.h"

namespace tenure {

class KeyStore final : public PersonKeys {
 public:
  // Opens or makes the store in this directory, for the owner of the process only, and cuts off a
  // torn end. kConflict: another process holds it. kCorrupt: bytes of it changed, or it is not a
  // key store. kUnsupported: written by a newer Tenure.
  static Result<std::unique_ptr<KeyStore>> open(FileSystem& files, const std::string& directory);
  // What open() would find, without changing or locking anything: how many people have a key.
  // kNotFound: there is no store. kCorrupt, kUnsupported as open().
  static Result<size_t> examine(FileSystem& files, const std::string& directory);
  // The keys as they are now, for finding alone, without changing or locking anything: beside a
  // process that holds the store. Errors as examine().
  static Result<std::unique_ptr<PersonKeys>> open_to_read(FileSystem& files,
                                                          const std::string& directory);
  ~KeyStore() override;
  KeyStore(const KeyStore&) = delete;

  // After a failed write or sync every call fails: restart.
  Result<std::vector<PersonKey>> keys_of(std::span<const std::string_view> subjects) override;
  std::optional<PersonKey> find(std::string_view subject) const override;
  Result<void> catch_up() override { return {}; }  // there are no others
  // Overwrites the key in memory and on disk. (A file system that writes elsewhere than it read may
  // keep old blocks: give the directory an encrypted disk.)
  Result<void> destroy(std::string_view subject, const PersonKeyName& name) override;
  // Of a log in files, which has one partition.
  ErasureMark erasure_mark(PartitionId partition) const override;
  Result<void> mark_erasures(PartitionId partition, const ErasureMark& mark) override;

 private:
  struct Entry {
    PersonKey key;
    uint64_t group;  // the key is durable once groups up to this one are
  };
  using Entries = std::unordered_map<std::string, Entry, TextHash, std::equal_to<>>;

  KeyStore(FileSystem& files, std::string directory, std::unique_ptr<FileLock> lock);
  Result<void> load();
  Result<const Entry*> find_or_add(std::string_view subject);
  template <class Done>
  Result<void> write_until(Done done, std::unique_lock<std::mutex>& lock);
  Result<void> write_next_group(std::unique_lock<std::mutex>& lock);
  Result<void> rewrite(std::unique_lock<std::mutex>& lock);
  Result<void> replace_file(std::span<const std::byte> content);
  std::string path() const;

  FileSystem& files_;
  const std::string directory_;
  std::unique_ptr<FileLock> lock_;

  mutable std::mutex mutex_;
  std::condition_variable turn_over_;
  bool writing_ = false;  // a thread is writing the file, without the mutex
  std::unique_ptr<File> file_;
  uint64_t size_ = 0;  // of the file, as far as it is durable
  Entries entries_;
  std::vector<const Entries::value_type*> waiting_;  // not in the file yet, oldest first
  uint64_t durable_group_ = 0, next_group_ = 1;
  ErasureMark mark_;
  bool mark_waits_ = false;                      // is not in the file yet
  uint64_t rewrites_ = 0, wanted_rewrites_ = 0;  // the file is to be written anew
  std::optional<Error> failure_;
};

}  // namespace tenure
