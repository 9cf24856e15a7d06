// The bytes of the key file. Stored for as long as personal text is: version with care.
//
//   file   := magic:"TNRKEYS1" group*
//   group  := crc:u32 size:u32 record{size bytes}    crc = CRC32C over size and the records
//   record := subject_size:u8 subject key:u8[32]
//           | 0:u8 log:u8[16] next:u64 0:u64          an ErasureMark; the last one counts
//
// Integers are little-endian. A group is written at once and synced before the next, so only the
// last one can be torn; a bad group with a good one after it is corruption.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace tenure::key_file {

inline constexpr std::string_view kMagic = "TNRKEYS1";
inline constexpr std::string_view kMagicOfAnyVersion = "TNRKEYS";
inline constexpr size_t kMaxSubjectSize = 255;
inline constexpr size_t kMaxKeysPerGroup = 256;  // and a mark

using RecordBytes = std::span<const uint8_t, 32>;

// Appends one group to `out`: its records, then close().
class GroupBuilder {
 public:
  explicit GroupBuilder(std::vector<std::byte>& out);
  void add(std::string_view subject, RecordBytes key);
  void close();

 private:
  std::vector<std::byte>& out_;
  size_t begin_;
};

// Calls `found` with each record of the group that `bytes` begin with; gives the size of the group.
// Nothing, and no call, if they do not begin with a good one.
std::optional<size_t> read_group(std::span<const std::byte> bytes,
                                 const std::function<void(std::string_view, RecordBytes)>& found);

// Whether `bytes`, which begin with a bad group, can be the torn end of a file.
bool may_be_torn(std::span<const std::byte> bytes);

}  // namespace tenure::key_file
