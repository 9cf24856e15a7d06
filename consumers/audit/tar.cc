#include "consumers/audit/tar.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/base/check.h"

namespace tenure {
namespace {

constexpr size_t kBlock = 512;

struct Header {
  char name[100];
  char mode[8], owner[8], group[8];
  char size[12], time[12], checksum[8];
  char type;
  char link[100];
  char magic[8];
  char names[64], device[16], prefix[155], zero[12];
};
static_assert(sizeof(Header) == kBlock);

template <size_t kSize>
void put_octal(char (&field)[kSize], uint64_t value) {
  for (size_t i = kSize - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
}

template <size_t kSize>
std::optional<uint64_t> octal_of(const char (&field)[kSize]) {
  uint64_t value = 0;
  const char* const end = std::find_if(field, field + kSize, [](char c) { return c < '0'; });
  const auto read = std::from_chars(field, end, value, 8);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return value;
}

// Of the header with blanks in the place of the sum.
uint64_t checksum_of(Header header) {
  std::memset(header.checksum, ' ', sizeof header.checksum);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  return std::accumulate(bytes, bytes + sizeof header, uint64_t{0});
}

size_t padded_to_block(size_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

std::unexpected<Error> no_tar(const char* what) {
  return fail(ErrorKind::kInvalid, std::string("not an archive of evidence: ") + what);
}

constexpr char kFile = '0', kFolder = '5', kExtended = 'x';

void append_entry(std::string& out, char type, std::string_view name, std::string_view content) {
  Header header{};
  CHECK(name.size() < sizeof header.name);
  std::ranges::copy(name, header.name);
  put_octal(header.mode, 0644);
  put_octal(header.owner, 0);
  put_octal(header.group, 0);
  put_octal(header.size, content.size());
  put_octal(header.time, 0);
  header.type = type;
  std::memcpy(header.magic, "ustar\00000", sizeof header.magic);
  put_octal(header.checksum, checksum_of(header));
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
  out += content;
  out.resize(padded_to_block(out.size()));
}

// What pax(1) puts before a file whose name is too long for its header: a line that begins with its
// own length.
constexpr std::string_view kPath = " path=";

std::string path_record(std::string_view name) {
  const size_t rest = kPath.size() + name.size() + 1;
  size_t length = rest + 1;
  while (rest + std::to_string(length).size() != length) ++length;
  return std::to_string(length).append(kPath).append(name).append("\n");
}

// Nothing if it is no such line.
std::optional<std::string> path_in(std::string_view record) {
  const size_t at = record.find(kPath);
  if (at == std::string_view::npos || !record.ends_with('\n')) return std::nullopt;
  std::string name(record.substr(at + kPath.size()));
  name.pop_back();
  return path_record(name) == record ? std::optional(name) : std::nullopt;
}

}  // namespace

std::string to_tar(const NamedFiles& files) {
  std::string out;
  for (const auto& [name, content] : files) {
    const bool fits = name.size() < sizeof Header::name;
    if (!fits) append_entry(out, kExtended, "path", path_record(name));
    append_entry(out, kFile, fits ? std::string_view(name) : "named-before", content);
  }
  out.append(2 * kBlock, '\0');
  return out;
}

Result<NamedFiles> from_tar(std::string_view bytes) {
  NamedFiles files;
  std::optional<std::string> long_name;
  while (true) {
    if (bytes.size() < kBlock) return no_tar("it ends too soon");
    Header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes.remove_prefix(kBlock);
    if (header.name[0] == '\0') break;
    const auto checksum = octal_of(header.checksum), size = octal_of(header.size);
    if (!checksum || !size || *checksum != checksum_of(header)) return no_tar("a bad header");
    if (header.type == kFolder) continue;
    if (padded_to_block(*size) > bytes.size()) return no_tar("it ends too soon");
    const std::string_view content = bytes.substr(0, *size);
    bytes.remove_prefix(padded_to_block(*size));
    if (header.type == kExtended && !long_name) {
      long_name = path_in(content);
      if (long_name) continue;
    }
    if (header.type != kFile) return no_tar("something that is no plain file");
    std::string name(header.name, strnlen(header.name, sizeof header.name));
    if (long_name) name = *std::exchange(long_name, std::nullopt);
    if (!files.emplace(std::move(name), content).second) return no_tar("a name that is twice");
  }
  return files;
}

}  // namespace tenure
