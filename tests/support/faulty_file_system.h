// A file system whose calls fail when told to, over any other one. It counts every call, so a test
// can run once, learn how many there were, and run again with each of them failing. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <optional>

#include "engine/log/file_system.h"

namespace tenure::test {

enum class Call : uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kSize,
  kTruncate,
  kCreateDirectory,
  kLock,
  kRename,
  kRemove,
  kSyncDirectory,
  kList,
  kFreeBytes,
};
inline constexpr size_t kCalls = 13;
const char* name_of(Call call);

// Which calls fail: the `at`-th (from 1) of those that count, and, if `lasting`, all after it.
struct Fault {
  uint64_t at = 0;
  ErrorKind error = ErrorKind::kIo;
  std::optional<Call> only;  // counts and fails calls of this kind alone
  bool lasting = false;
};

class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(FileSystem& files) : files_(files) {}

  // Before the calls that it is about; counting starts again at 1.
  void set_fault(std::optional<Fault> fault);
  bool fault_hit() const { return hit_; }

  uint64_t calls() const;  // since construction
  uint64_t calls(Call call) const { return counts_[static_cast<size_t>(call)]; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<void> create_directory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                         const std::string& holder) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) override;

  // Counts one call; the fault, if it is this one's turn.
  Result<void> pass(Call call, const std::string& path);

 private:
  FileSystem& files_;
  std::mutex mutex_;  // of the fault
  std::optional<Fault> fault_;
  std::atomic<uint64_t> passed_ = 0;
  std::atomic<bool> hit_ = false;
  std::array<std::atomic<uint64_t>, kCalls> counts_{};
};

}  // namespace tenure::test
