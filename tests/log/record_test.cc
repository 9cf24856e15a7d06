#include "engine/log/record.h"

#include <gmock/gmock.h>

#include "tests/log/log_fixture.h"

namespace tenure::test {
namespace {

AlignedBytes one_record(std::string_view payload, RecordPrefix prefix = {}) {
  AlignedBytes bytes;
  append_record(bytes, prefix, as_bytes(payload));
  return bytes;
}

std::vector<std::byte> copy_of(const AlignedBytes& bytes) {
  return {bytes.view().begin(), bytes.view().end()};
}

TEST(Crc32c, AgreesWithThePublishedVector) {
  EXPECT_EQ(crc32c(0, as_bytes("123456789")), 0xE3069283u);
  EXPECT_EQ(crc32c(0, {}), 0u);
}

TEST(Crc32c, GoesOnFromAnEarlierPart) {
  EXPECT_EQ(crc32c(crc32c(0, as_bytes("1234")), as_bytes("56789")), 0xE3069283u);
}

TEST(Record, ComesBackAsItWasWritten) {
  const auto bytes = one_record("hello", {.kind = RecordKind::kClaim,
                                          .stamp = Stamp{3},
                                          .number = Number{41},
                                          .acked = 40,
                                          .source = 99,
                                          .tag = 7});
  EXPECT_EQ(bytes.size(), 72u);
  const ParsedRecord record = parse_record(bytes.view());
  ASSERT_EQ(record.status, RecordStatus::kOk);
  EXPECT_EQ(record.prefix.kind, RecordKind::kClaim);
  EXPECT_EQ(record.prefix.stamp, Stamp{3});
  EXPECT_EQ(record.prefix.number, Number{41});
  EXPECT_EQ(record.prefix.acked, 40u);
  EXPECT_EQ(record.prefix.source, 99u);
  EXPECT_EQ(record.prefix.tag, 7u);
  EXPECT_EQ(as_text(record.payload), "hello");
  EXPECT_EQ(record.size, 69u);
}

// The bytes stay what record.h says, for ever. The checksum is from another implementation.
TEST(Record, HasTheFormatOfItsGrammar) {
  const auto bytes = one_record("A", {.stamp = Stamp{0x0102}, .number = Number{3}, .acked = 4});
  std::string hex;
  for (const std::byte byte : bytes.view())
    hex += fmt::format("{:02x}", std::to_integer<int>(byte));
  EXPECT_EQ(hex,
            "544e5231"
            "01"
            "01"
            "0100"
            "0201000000000000"
            "0300000000000000"
            "0400000000000000"
            "0000000000000000"
            "01000000"
            "a2d9404a"
            "00000000000000000000000000000000"
            "4100000000000000");
}

TEST(Record, LiesAlignedBehindAnother) {
  AlignedBytes bytes = one_record("odd");
  append_record(bytes, {}, as_bytes("second"));
  const ParsedRecord second = parse_record(bytes.view().subspan(72));
  EXPECT_EQ(as_text(second.payload), "second");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(second.payload.data()) % 8, 0u);
}

TEST(Record, EveryFlippedBitIsNoticed) {
  const auto bytes = one_record("some payload", {.stamp = Stamp{1}, .number = Number{2}});
  const size_t bits = 8 * (kPrefixSize + std::string("some payload").size());
  for (size_t bit = 0; bit < bits; ++bit) {
    auto flipped = copy_of(bytes);
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(parse_record(flipped).status, RecordStatus::kOk) << "bit " << bit;
  }
}

TEST(Record, EveryCutOneIsIncomplete) {
  const auto bytes = one_record("some payload");
  for (size_t size = 4; size < kPrefixSize + 12; ++size) {
    EXPECT_EQ(parse_record(bytes.view().first(size)).status, RecordStatus::kIncomplete) << size;
  }
}

TEST(Record, ForeignBytesAreToldFromOurs) {
  EXPECT_EQ(parse_record(as_bytes("{\"json\": true}")).status, RecordStatus::kForeign);
}

TEST(Record, OneForANewerReaderIsToldSo) {
  const auto bytes = one_record("x", {.min_reader = kReaderVersion + 1});
  const ParsedRecord record = parse_record(bytes.view());
  EXPECT_EQ(record.status, RecordStatus::kNewerReader);
  EXPECT_EQ(record.prefix.min_reader, kReaderVersion + 1);
}

TEST(Record, UnknownFormatOrKindIsToldSo) {
  auto format = copy_of(one_record("x"));
  format[4] = std::byte{2};
  EXPECT_EQ(parse_record(format).status, RecordStatus::kBadFormat);
  const auto kind = one_record("x", {.kind = static_cast<RecordKind>(9)});
  EXPECT_EQ(parse_record(kind.view()).status, RecordStatus::kBadFormat);
}

}  // namespace
}  // namespace tenure::test
