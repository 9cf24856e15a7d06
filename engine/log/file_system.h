// The few file operations that the segment log needs, so that tests can drop, tear, refuse and
// count them. The real one is posix_file_system(); faults are in tests/support/. Errors: kIo with
// errno's text, kUnavailable for a full disk, kNotFound for a path that is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace tenure {

using Bytes = std::span<const std::byte>;

// One open file. Reads may come from several threads at once, the rest from one.
class File {
 public:
  virtual ~File() = default;
  // The parts one after the other, as one write.
  virtual Result<void> write_at(uint64_t position, std::initializer_list<Bytes> parts) = 0;
  // Reads up to bytes.size(); fewer only at the end of the file.
  virtual Result<size_t> read_at(uint64_t position, std::span<std::byte> bytes) const = 0;
  virtual Result<void> sync() = 0;  // fdatasync
  virtual Result<uint64_t> size() const = 0;
  virtual Result<void> truncate(uint64_t size) = 0;
};

// Held while it lives; the file stays.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode : uint8_t { kRead, kReadWrite, kCreateNew };

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // With its parents, durably; existing is fine.
  virtual Result<void> create_directory(const std::string& path) = 0;
  // Takes the exclusive lock of this file (made if missing) and writes `holder` into it, one line
  // for people. kConflict, with the line of whoever holds it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                                 const std::string& holder) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;  // names, sorted
  virtual Result<uint64_t> free_bytes(const std::string& path) = 0;
};

FileSystem& posix_file_system();

}  // namespace tenure
