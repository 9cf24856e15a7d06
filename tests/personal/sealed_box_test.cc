#include "engine/personal/sealed_box.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tenure {
namespace {

constexpr TextPlace kPlace{"acme", "user:alice", "c1", "AddMember.name"};

PersonKey key_of_bytes(uint8_t first) {
  PersonKey key;
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(first + i);
  return key;
}

std::string hex(const std::vector<uint8_t>& bytes) {
  std::string out;
  for (const uint8_t byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

RC_GTEST_PROP(SealedBoxProperties, WhatIsSealedOpensUnderItsKeyAndSubjectOnly,
              (const std::string& text)) {
  const PersonKey key = key_of_bytes(1), other = key_of_bytes(2);
  const auto box = seal_box(key, "bob", kPlace, text);
  RC_ASSERT(open_box(key, "bob", box) == text);
  RC_ASSERT(!open_box(other, "bob", box));
  RC_ASSERT(!open_box(key, "eve", box));
}

// The expected bytes were worked out by Python's hmac and cryptography packages.
TEST(SealedBoxTest, TheFormatStaysWhatItIs) {
  EXPECT_EQ(hex(seal_box(key_of_bytes(1), "bob", kPlace, "Bob Ross")),
            "302a8b5a515317c823004185f0183e6ab0a2e3a39f43e094eae08bb9caa07bd2d856fa88");
}

TEST(SealedBoxTest, ARetryGivesTheSameBytes) {
  const PersonKey key = key_of_bytes(1);
  EXPECT_EQ(seal_box(key, "bob", kPlace, "Bob"), seal_box(key, "bob", kPlace, "Bob"));
}

// Two texts under one key and nonce would give away both.
TEST(SealedBoxTest, AnotherTextOrPlaceHasAnotherNonce) {
  const PersonKey key = key_of_bytes(1);
  const auto nonce = [&](const TextPlace& place, std::string_view text) {
    const auto box = seal_box(key, "bob", place, text);
    return std::vector<uint8_t>(box.begin(), box.begin() + 12);
  };
  const auto usual = nonce(kPlace, "Bob");
  EXPECT_NE(nonce(kPlace, "Rob"), usual);
  EXPECT_NE(nonce({"other", "user:alice", "c1", "AddMember.name"}, "Bob"), usual);
  EXPECT_NE(nonce({"acme", "user:carol", "c1", "AddMember.name"}, "Bob"), usual);
  EXPECT_NE(nonce({"acme", "user:alice", "c2", "AddMember.name"}, "Bob"), usual);
  EXPECT_NE(nonce({"acme", "user:alice", "c1", "AddMember.email"}, "Bob"), usual);
}

TEST(SealedBoxTest, EveryChangedBitIsNoticed) {
  const PersonKey key = key_of_bytes(1);
  const auto box = seal_box(key, "bob", kPlace, "Bob");
  for (size_t bit = 0; bit < box.size() * 8; ++bit) {
    auto changed = box;
    changed[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_EQ(open_box(key, "bob", changed), std::nullopt) << "bit " << bit;
  }
}

TEST(SealedBoxTest, EveryTruncationIsNoticed) {
  const PersonKey key = key_of_bytes(1);
  const auto box = seal_box(key, "bob", kPlace, "Bob");
  for (size_t size = 0; size < box.size(); ++size) {
    EXPECT_EQ(open_box(key, "bob", std::span(box).first(size)), std::nullopt);
  }
}

TEST(SealedBoxTest, AnEmptyTextHasABoxToo) {
  const PersonKey key = key_of_bytes(1);
  const auto box = seal_box(key, "bob", kPlace, "");
  EXPECT_EQ(box.size(), 28u);
  EXPECT_EQ(open_box(key, "bob", box), "");
}

}  // namespace
}  // namespace tenure
