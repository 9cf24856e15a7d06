#include "engine/log/log_directory.h"

#include <fmt/format.h>
#include <unistd.h>

namespace tenure {
namespace {

// Under another name first, so that the file is there whole or not at all.
Result<void> write_small_file(FileSystem& files, const std::string& directory,
                              std::string_view name, Bytes bytes) {
  const std::string path = path_in(directory, name);
  const std::string unfinished = path + std::string(kUnfinished);
  TRY(remove_if_there(files, unfinished));
  auto file = TRY(files.open(unfinished, OpenMode::kCreateNew));
  TRY(file->write_at(0, {bytes}));
  TRY(file->sync());
  TRY(files.rename(unfinished, path));
  return files.sync_directory(directory);
}

Result<std::vector<std::byte>> read_small_file(FileSystem& files, const std::string& path) {
  const auto file = TRY(files.open(path, OpenMode::kRead));
  std::vector<std::byte> bytes(256);
  bytes.resize(TRY(file->read_at(0, bytes)));
  return bytes;
}

bool is_missing(const auto& result) {
  return !result && result.error().kind == ErrorKind::kNotFound;
}

bool is_unfinished(std::string_view name) { return name.ends_with(kUnfinished); }

// Without an identity only the remains of a creation may lie there: the first segment, and no batch
// in it.
Result<void> check_empty(FileSystem& files, const std::string& directory) {
  for (const std::string& name : TRY(files.list(directory))) {
    if (name == kLockName || is_unfinished(name)) continue;
    const auto sequence = segment_sequence(name);
    if (!sequence && name != kCleanName) {
      return fail(
          ErrorKind::kInvalid,
          fmt::format("{} is not a tenure log: it holds {}; name an empty or a new directory",
                      directory, name));
    }
    std::array<std::byte, sizeof(BatchHeader)> start{};
    if (sequence == 0) {
      auto file = TRY(files.open(path_in(directory, name), OpenMode::kRead));
      (void)TRY(file->read_at(sizeof(SegmentHeader), start));
    }
    if (sequence != 0 || !all_zero(start)) {
      return fail(
          ErrorKind::kCorrupt,
          fmt::format("{} holds {} but {} is missing: the log is damaged; restore it from a "
                      "backup",
                      directory, name, kIdentityName));
    }
  }
  return {};
}

}  // namespace

std::unexpected<Error> damage(const std::string& directory, uint64_t sequence, uint64_t position,
                              const std::string& what) {
  return fail(ErrorKind::kCorrupt,
              fmt::format("{} is damaged at byte {}: {}; nothing was changed, restore the log from "
                          "a backup",
                          path_in(directory, segment_name(sequence)), position, what));
}

std::unexpected<Error> damage_by(const Error& error, const std::string& directory,
                                 uint64_t sequence, uint64_t position) {
  if (error.kind == ErrorKind::kCorrupt) {
    return damage(directory, sequence, position, error.message);
  }
  return fail(error.kind,
              fmt::format("{} at byte {}: {}", path_in(directory, segment_name(sequence)), position,
                          error.message));
}

std::string lock_holder(const std::string& command, const std::string& address) {
  return fmt::format("process {} ({}{}{})", ::getpid(), command, address.empty() ? "" : " at ",
                     address);
}

Result<std::unique_ptr<FileLock>> lock_log_directory(FileSystem& files,
                                                     const std::string& directory,
                                                     const std::string& holder) {
  TRY(files.create_directory(directory));
  return files.lock(path_in(directory, kLockName), holder);
}

Result<std::optional<LogIdentity>> read_identity(FileSystem& files, const std::string& directory) {
  auto file = read_small_file(files, path_in(directory, kIdentityName));
  if (is_missing(file)) {
    TRY(check_empty(files, directory));
    return std::nullopt;
  }
  const auto bytes = TRY(std::move(file));
  const auto identity = unseal<LogIdentity>(bytes, 0);
  if (!identity || bytes.size() != sizeof(LogIdentity)) {
    return fail(ErrorKind::kCorrupt,
                fmt::format("{} is damaged; restore it from a backup of this log",
                            path_in(directory, kIdentityName)));
  }
  if (identity->format != LogIdentity{}.format) {
    return fail(ErrorKind::kUnsupported,
                fmt::format("{} is a log of format {}, this tenure reads {}; upgrade it", directory,
                            identity->format, LogIdentity{}.format));
  }
  return identity;
}

Result<void> write_identity(FileSystem& files, const std::string& directory, LogIdentity identity) {
  seal(identity, 0);
  return write_small_file(files, directory, kIdentityName, bytes_of(identity));
}

Result<std::optional<CleanMark>> read_clean_mark(FileSystem& files, const std::string& directory,
                                                 uint32_t salt) {
  auto file = read_small_file(files, path_in(directory, kCleanName));
  if (is_missing(file)) return std::nullopt;
  const auto bytes = TRY(std::move(file));
  const auto mark = unseal<CleanMark>(bytes, salt);
  if (!mark || bytes.size() != sizeof(CleanMark)) {
    return fail(
        ErrorKind::kCorrupt,
        fmt::format("{} is damaged; verify the log with `tenure doctor --deep`, then delete "
                    "that file",
                    path_in(directory, kCleanName)));
  }
  return mark;
}

Result<void> write_clean_mark(FileSystem& files, const std::string& directory, uint32_t salt,
                              const LogMark& end) {
  CleanMark mark;
  mark.end = end;
  seal(mark, salt);
  return write_small_file(files, directory, kCleanName, bytes_of(mark));
}

Result<void> remove_unfinished(FileSystem& files, const std::string& directory) {
  for (const std::string& name : TRY(files.list(directory))) {
    if (is_unfinished(name)) TRY(files.remove(path_in(directory, name)));
  }
  return {};
}

Result<void> remove_if_there(FileSystem& files, const std::string& path) {
  auto removed = files.remove(path);
  if (is_missing(removed)) return {};
  return removed;
}

}  // namespace tenure
