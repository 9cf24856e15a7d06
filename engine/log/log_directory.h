// The small files of a log directory, and how its damage is reported.
#pragma once

#include <optional>
#include <string>

#include "engine/log/segment_format.h"

namespace tenure {

inline std::string path_in(const std::string& directory, std::string_view name) {
  return directory + "/" + std::string(name);
}

// kCorrupt: which segment, where in it, what is wrong, and what to do.
std::unexpected<Error> damage(const std::string& directory, uint64_t sequence, uint64_t position,
                              const std::string& what);
// The same with an error's own words; errors of other kinds than kCorrupt keep their kind.
std::unexpected<Error> damage_by(const Error& error, const std::string& directory,
                                 uint64_t sequence, uint64_t position);

// The process that wants the directory: what it writes into LOCK, one line for whoever comes
// second.
std::string lock_holder(const std::string& command, const std::string& address);
// Takes the directory's lock; made if missing. Everything that writes there holds it, and so does
// whatever opens the stores beside it. kConflict names the holder.
Result<std::unique_ptr<FileLock>> lock_log_directory(FileSystem& files,
                                                     const std::string& directory,
                                                     const std::string& holder);

// Nothing if the directory holds no log yet (or one whose making was cut short). kInvalid if it
// holds something else; kCorrupt, kUnsupported.
Result<std::optional<LogIdentity>> read_identity(FileSystem& files, const std::string& directory);
Result<void> write_identity(FileSystem& files, const std::string& directory, LogIdentity identity);

// Nothing if the log was never stopped cleanly. kCorrupt.
Result<std::optional<CleanMark>> read_clean_mark(FileSystem& files, const std::string& directory,
                                                 uint32_t salt);
Result<void> write_clean_mark(FileSystem& files, const std::string& directory, uint32_t salt,
                              const LogMark& end);

// Deletes what was never finished.
Result<void> remove_unfinished(FileSystem& files, const std::string& directory);

// Deletes a file if it is there.
Result<void> remove_if_there(FileSystem& files, const std::string& path);

}  // namespace tenure
