#include "tools/server/data_directory.h"

#include <filesystem>
#include <system_error>

namespace tenure {
namespace {

namespace fs = std::filesystem;

Result<bool> holds_log(const DataDirectory& data) {
  std::error_code error;
  bool found = fs::is_directory(data.log(), error) || fs::is_directory(data.mirror(), error);
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(ErrorKind::kIo, "cannot read " + data.root + ": " + error.message());
  }
  return found;
}

}  // namespace

Result<DataDirectory> DataDirectory::create(const std::string& root) {
  DataDirectory data{root};
  std::error_code error;
  fs::create_directories(root, error);
  if (error) {
    return fail(ErrorKind::kIo, "cannot make the data directory '" + root +
                                    "': " + error.message() + "; name another with --data");
  }
  if (TRY(holds_log(data))) return data;
  bool empty = fs::is_empty(root, error);
  if (error) return fail(ErrorKind::kIo, "cannot read " + root + ": " + error.message());
  if (!empty) {
    return fail(ErrorKind::kInvalid,
                root + " is not a data directory of Tenure, and not empty; choose another");
  }
  return data;
}

Result<DataDirectory> DataDirectory::existing(const std::string& root, bool of_kafka) {
  DataDirectory data{root};
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    return fail(ErrorKind::kNotFound, "there is no directory " + root + "; name one with --data");
  }
  const bool has_log = fs::is_directory(data.log(), error);
  const bool has_mirror = fs::is_directory(data.mirror(), error);
  if (of_kafka ? has_mirror : has_log) return data;
  if (has_mirror) {
    return fail(ErrorKind::kInvalid,
                root +
                    " belongs to a log over Kafka, of which it has a mirror alone: say --log "
                    "kafka --brokers");
  }
  if (has_log) {
    return fail(ErrorKind::kInvalid, root + " holds a log of its own: leave --log kafka out");
  }
  return fail(ErrorKind::kInvalid, root + " is not a data directory of Tenure: it has no log");
}

}  // namespace tenure
