#include "tests/support/faulty_file_system.h"

#include <fmt/format.h>

#include <numeric>

namespace tenure::test {
namespace {

class FaultyFile final : public File {
 public:
  FaultyFile(FaultyFileSystem& files, std::unique_ptr<File> file, std::string path)
      : files_(files), file_(std::move(file)), path_(std::move(path)) {}

  Result<void> write_at(uint64_t position, std::initializer_list<Bytes> parts) override {
    TRY(files_.pass(Call::kWrite, path_));
    return file_->write_at(position, parts);
  }
  Result<size_t> read_at(uint64_t position, std::span<std::byte> bytes) const override {
    TRY(files_.pass(Call::kRead, path_));
    return file_->read_at(position, bytes);
  }
  Result<void> sync() override {
    TRY(files_.pass(Call::kSync, path_));
    return file_->sync();
  }
  Result<uint64_t> size() const override {
    TRY(files_.pass(Call::kSize, path_));
    return file_->size();
  }
  Result<void> truncate(uint64_t size) override {
    TRY(files_.pass(Call::kTruncate, path_));
    return file_->truncate(size);
  }

 private:
  FaultyFileSystem& files_;
  std::unique_ptr<File> file_;
  std::string path_;
};

}  // namespace

const char* name_of(Call call) {
  switch (call) {
    case Call::kOpen:
      return "open";
    case Call::kRead:
      return "read";
    case Call::kWrite:
      return "write";
    case Call::kSync:
      return "sync";
    case Call::kSize:
      return "size";
    case Call::kTruncate:
      return "truncate";
    case Call::kCreateDirectory:
      return "create_directory";
    case Call::kLock:
      return "lock";
    case Call::kRename:
      return "rename";
    case Call::kRemove:
      return "remove";
    case Call::kSyncDirectory:
      return "sync_directory";
    case Call::kList:
      return "list";
    case Call::kFreeBytes:
      return "free_bytes";
  }
  std::unreachable();
}

void FaultyFileSystem::set_fault(std::optional<Fault> fault) {
  const std::scoped_lock lock(mutex_);
  fault_ = fault;
  passed_ = 0;
  hit_ = false;
}

uint64_t FaultyFileSystem::calls() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

Result<void> FaultyFileSystem::pass(Call call, const std::string& path) {
  ++counts_[static_cast<size_t>(call)];
  const std::scoped_lock lock(mutex_);
  if (!fault_ || (fault_->only && *fault_->only != call)) return {};
  const uint64_t turn = ++passed_;
  if (turn < fault_->at || (turn > fault_->at && !fault_->lasting)) return {};
  hit_ = true;
  return fail(fault_->error, fmt::format("made to fail: {} of {}", name_of(call), path));
}

Result<std::unique_ptr<File>> FaultyFileSystem::open(const std::string& path, OpenMode mode) {
  TRY(pass(Call::kOpen, path));
  return std::make_unique<FaultyFile>(*this, TRY(files_.open(path, mode)), path);
}

Result<void> FaultyFileSystem::create_directory(const std::string& path) {
  TRY(pass(Call::kCreateDirectory, path));
  return files_.create_directory(path);
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::lock(const std::string& path,
                                                         const std::string& holder) {
  TRY(pass(Call::kLock, path));
  return files_.lock(path, holder);
}

Result<void> FaultyFileSystem::rename(const std::string& from, const std::string& to) {
  TRY(pass(Call::kRename, from));
  return files_.rename(from, to);
}

Result<void> FaultyFileSystem::remove(const std::string& path) {
  TRY(pass(Call::kRemove, path));
  return files_.remove(path);
}

Result<void> FaultyFileSystem::sync_directory(const std::string& path) {
  TRY(pass(Call::kSyncDirectory, path));
  return files_.sync_directory(path);
}

Result<std::vector<std::string>> FaultyFileSystem::list(const std::string& path) {
  TRY(pass(Call::kList, path));
  return files_.list(path);
}

Result<uint64_t> FaultyFileSystem::free_bytes(const std::string& path) {
  TRY(pass(Call::kFreeBytes, path));
  return files_.free_bytes(path);
}

}  // namespace tenure::test
