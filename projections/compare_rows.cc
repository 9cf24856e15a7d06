#define XXH_STATIC_LINKING_ONLY  // the state on the stack
#include <xxhash.h>

#include <algorithm>

#include "projections/key_layout.h"
#include "projections/read_models.h"

namespace tenure {
namespace {

// A key as people can read it: separators as '|', other bytes that are no text as hex.
std::string readable(std::string_view key) {
  std::string text;
  for (char byte : key) {
    if (byte == Key::kSeparator) {
      text += '|';
    } else if (byte > ' ' && byte <= '~') {
      text += byte;
    } else {
      constexpr char kDigits[] = "0123456789abcdef";
      text += {'\\', kDigits[static_cast<uint8_t>(byte) >> 4], kDigits[byte & 15]};
    }
  }
  return text;
}

class Digest {
 public:
  Digest() { XXH3_64bits_reset(&state_); }
  void add(std::string_view key, RowBytes row) {
    uint64_t sizes[] = {key.size(), row.size()};
    XXH3_64bits_update(&state_, sizes, sizeof sizes);
    XXH3_64bits_update(&state_, key.data(), key.size());
    XXH3_64bits_update(&state_, row.data(), row.size());
  }
  uint64_t value() const { return XXH3_64bits_digest(&state_); }

 private:
  XXH3_state_t state_;
};

std::optional<std::string> difference(Family family, const RowCursor& expected,
                                      const RowCursor& actual) {
  auto says = [&](std::string_view key, const char* what) {
    return std::string(family_name(family)) + " row " + readable(key) + " " + what;
  };
  if (!expected.valid() && !actual.valid()) return std::nullopt;
  if (!actual.valid()) return says(expected.key(), "is missing");
  if (!expected.valid()) return says(actual.key(), "should not be there");
  if (expected.key() < actual.key()) return says(expected.key(), "is missing");
  if (actual.key() < expected.key()) return says(actual.key(), "should not be there");
  if (!std::ranges::equal(expected.bytes(), actual.bytes())) {
    return says(expected.key(), "differs");
  }
  return std::nullopt;
}

}  // namespace

Result<VerifyReport> compare_rows(const RowView& expected, const RowView& actual) {
  VerifyReport report;
  for (Family family : kAllFamilies) {
    auto index = static_cast<size_t>(family);
    auto theirs = expected.scan(family, ""), ours = actual.scan(family, "");
    Digest digest;
    for (; theirs->valid(); theirs->next()) {
      if (!report.difference) report.difference = difference(family, *theirs, *ours);
      digest.add(theirs->key(), theirs->bytes());
      ++report.rows[index];
      if (!report.difference) ours->next();
    }
    if (!report.difference) report.difference = difference(family, *theirs, *ours);
    report.digest[index] = digest.value();
    TRY(theirs->status());
    TRY(ours->status());
  }
  return report;
}

}  // namespace tenure
