#include "tools/tenure/offline.h"

namespace tenure {

Result<OfflineData> open_offline(const std::string& root, std::string command) {
  DataDirectory data = TRY(DataDirectory::existing(root));
  SegmentOptions options;
  options.directory = data.log();
  options.own_thread = false;
  options.command = std::move(command);
  auto log = TRY(SegmentLog::open(std::move(options)));
  return OfflineData{std::move(data), std::move(log)};
}

}  // namespace tenure
