#include "engine/domain/names.h"

#include <gtest/gtest.h>

namespace tenure {
namespace {

TEST(Ids, AreOneToOneHundredTwentyEightOfTheAllowedCharacters) {
  EXPECT_TRUE(is_valid_id("a"));
  EXPECT_TRUE(is_valid_id("A-z.0_9:x"));
  EXPECT_TRUE(is_valid_id(std::string(128, 'x')));
  EXPECT_FALSE(is_valid_id(std::string(129, 'x')));
  EXPECT_FALSE(is_valid_id(""));
  for (int c = 0; c < 256; ++c) {
    const bool allowed = (c < 128 && isalnum(c)) || c == '.' || c == '_' || c == ':' || c == '-';
    EXPECT_EQ(is_valid_id(std::string("a") + static_cast<char>(c)), allowed) << c;
  }
}

TEST(Ids, ThatArePrefixedOrReservedAreNotValid) {
  for (const char* id : {"user:a", "group:a", "service:a", "_a", "_", "system", "system:a"}) {
    EXPECT_FALSE(is_valid_id(id)) << id;
  }
  for (const char* id : {"users:a", "a_", "systems", "auser:a"}) EXPECT_TRUE(is_valid_id(id)) << id;
  EXPECT_TRUE(is_reserved("system:x") && is_reserved("system") && is_reserved("_tenure"));
  EXPECT_FALSE(is_reserved("systemd") || is_reserved("user:x"));
}

TEST(Names, AreOneToTwoHundredCharactersHoweverManyBytes) {
  std::string wide;
  for (int i = 0; i < 200; ++i) wide += "\xf0\x9f\x98\x80";  // four bytes each
  EXPECT_TRUE(is_valid_name(wide));
  EXPECT_FALSE(is_valid_name(wide + "x"));
  EXPECT_FALSE(is_valid_name(""));
  EXPECT_TRUE(is_valid_name("Café 株式会社"));
}

TEST(Names, HoldNoControlCharacters) {
  for (int c = 0; c < 0x20; ++c) EXPECT_FALSE(is_valid_name(std::string("a") + char(c))) << c;
  EXPECT_FALSE(is_valid_name("a\x7f"));
  EXPECT_FALSE(is_valid_name("a\xc2\x80"));  // U+0080
  EXPECT_FALSE(is_valid_name("a\xc2\x9f"));  // U+009F
  EXPECT_TRUE(is_valid_name("a\xc2\xa0"));   // U+00A0
}

TEST(Names, AreUtf8) {
  for (const char* broken :
       {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "\xc3", "\xc3x"}) {
    EXPECT_FALSE(is_valid_name(broken));
  }
  for (const char* whole : {"\xc3\xa9", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                            "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_valid_name(whole));
  }
}

TEST(Quoted, KeepsForeignTextOnOneShortLine) {
  EXPECT_EQ(in_quotes("BOSS"), "\"BOSS\"");
  EXPECT_EQ(in_quotes("a\nb\xff"), "\"a?b?\"");
  EXPECT_EQ(in_quotes(std::string(70, 'x')), "\"" + std::string(64, 'x') + "...\"");
}

}  // namespace
}  // namespace tenure
