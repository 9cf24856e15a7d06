// What the adapter remembers: how far it has read each partition, and the pages of the checkouts
// that are open. One file, replaced as a whole.
//
//   file := "tenure-payments 1" line*
//   line := "next" position | "page" org checkout expires:microseconds url
//
// Any thread. Errors: kIo; kCorrupt for a file that is none of these.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/log/file_system.h"

namespace tenure {

class PaymentState {
 public:
  // Reads the directory's file, or begins anew; makes the directory. kConflict: another process has
  // it.
  static Result<std::unique_ptr<PaymentState>> open(FileSystem& files, std::string directory);

  Number next(PartitionId partition) const;
  // Durable when it returns.
  Result<void> set_next(PartitionId partition, Number next);

  // The page is stored with the next position that is set, and forgotten when it expires.
  void add_page(std::string_view org, std::string_view checkout, Time expires, std::string url);
  std::string page(std::string_view org, std::string_view checkout) const;  // empty: none
  void forget_pages(Time now);

 private:
  struct Page {
    Time expires;
    std::string url;
  };
  PaymentState(FileSystem& files, std::string directory, std::unique_ptr<FileLock> lock)
      : files_(files), directory_(std::move(directory)), lock_(std::move(lock)) {}
  Result<void> read();
  Result<void> take_line(std::string_view line);
  Result<void> write() const;

  FileSystem& files_;
  const std::string directory_;
  std::unique_ptr<FileLock> lock_;
  mutable std::mutex mutex_;
  std::map<uint32_t, Number> next_;
  std::map<std::pair<std::string, std::string>, Page, std::less<>> pages_;
};

}  // namespace tenure
