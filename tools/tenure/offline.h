// A data directory opened by a tool while no daemon has it.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/log/segment_log.h"
#include "tools/server/data_directory.h"

namespace tenure {

struct OfflineData {
  DataDirectory data;
  std::unique_ptr<SegmentLog> log;  // holds the directory's lock
};

// kConflict: a process has it; the message names its pid and address.
Result<OfflineData> open_offline(const std::string& root, std::string command);

}  // namespace tenure
