#include "engine/log/log_reader.h"

#include <gmock/gmock.h>

namespace tenure {
namespace {

// Brings records one by one to the rule, as a partition of any log would.
class ReaderRuleTest : public testing::Test {
 protected:
  Result<Validity> claim() { return judge({.kind = RecordKind::kClaim}); }
  Result<Validity> decision(uint64_t stamp, uint64_t number, uint64_t acked = 0) {
    return judge({.stamp = {stamp}, .number = {number}, .acked = acked});
  }
  // Of a record that the rule has to take.
  Validity taken(Result<Validity> validity) {
    if (!validity) ADD_FAILURE() << validity.error().message;
    return validity.value_or(Validity::kVoid);
  }
  Result<Validity> judge(RecordPrefix prefix, RecordStatus status = RecordStatus::kOk) {
    auto validity = rule_.judge({{offset_}, prefix, status, {}});
    if (validity) ++offset_;
    return validity;
  }

  ReaderRule rule_;
  uint64_t offset_ = 0;
};

TEST_F(ReaderRuleTest, DecisionsUnderTheClaimBeforeThemAreValidInOrder) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(taken(decision(1, 0)), Validity::kValid);
  EXPECT_EQ(taken(decision(1, 1)), Validity::kValid);
  EXPECT_EQ(rule_.position().next_number, Number{2});
  EXPECT_EQ(rule_.position().next_offset, Offset{3});
  EXPECT_EQ(rule_.position().stamp, Stamp{1});
}

TEST_F(ReaderRuleTest, WhatAnOldSessionWritesAfterANewClaimIsVoid) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(taken(decision(1, 0)), Validity::kValid);
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(taken(decision(1, 1)), Validity::kVoid);
  EXPECT_EQ(taken(decision(3, 1)), Validity::kValid);
  EXPECT_EQ(rule_.void_records(), 1u);
}

TEST_F(ReaderRuleTest, DoubledDecisionIsVoidTheSecondTime) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(taken(decision(1, 0)), Validity::kValid);
  EXPECT_EQ(taken(decision(1, 0)), Validity::kVoid);
  EXPECT_EQ(taken(decision(1, 1)), Validity::kValid);
}

TEST_F(ReaderRuleTest, DecisionsBehindAGapAreVoid) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(taken(decision(1, 1)), Validity::kVoid);
  EXPECT_EQ(taken(decision(1, 2)), Validity::kVoid);
  EXPECT_EQ(rule_.position().next_number, Number{0});
}

TEST_F(ReaderRuleTest, DecisionBeforeAnyClaimWasLeftByALostOne) {
  EXPECT_EQ(decision(1, 0).error().kind, ErrorKind::kCorrupt);
}

TEST_F(ReaderRuleTest, StampAboveEveryClaimSeenMeansThatOneWasLost) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  const auto validity = decision(5, 0);
  ASSERT_FALSE(validity);
  EXPECT_EQ(validity.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(validity.error().message, testing::HasSubstr("offset 1"));
}

// The log lost a claim and what followed, and another claim came to stand at its offset.
TEST_F(ReaderRuleTest, DecisionsOfAClaimThatStoodAtTheSameOffsetMeanThatItWasLost) {
  EXPECT_EQ(taken(judge({.kind = RecordKind::kClaim, .tag = 7})), Validity::kClaim);
  EXPECT_EQ(taken(judge({.stamp = {1}, .number = {0}, .tag = 7})), Validity::kValid);
  EXPECT_EQ(judge({.stamp = {1}, .number = {1}, .tag = 8}).error().kind, ErrorKind::kCorrupt);
  // Also once later claims have made that stamp an old one.
  EXPECT_EQ(taken(judge({.kind = RecordKind::kClaim, .tag = 9})), Validity::kClaim);
  EXPECT_EQ(taken(judge({.stamp = {1}, .number = {1}, .tag = 7})), Validity::kVoid);
  EXPECT_EQ(judge({.stamp = {1}, .number = {1}, .tag = 8}).error().kind, ErrorKind::kCorrupt);
}

// There is a decision now where its claim was.
TEST_F(ReaderRuleTest, AStampThatIsNoClaimsAnyMoreMeansThatOneWasLost) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(taken(decision(1, 0)), Validity::kValid);
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  const auto validity = decision(2, 1);
  ASSERT_FALSE(validity);
  EXPECT_EQ(validity.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(validity.error().message, testing::HasSubstr("is not at offset 1 any more"));
}

TEST_F(ReaderRuleTest, ClaimsBeforeItsPositionAreAskedForOnce) {
  size_t asked = 0;
  offset_ = 10;
  rule_ = ReaderRule({{10}, {4}, {6}}, [&](Offset at) -> Result<std::optional<uint64_t>> {
    ++asked;
    if (at == Offset{5}) return 7;
    return at == Offset{2} ? std::optional<uint64_t>(3) : std::nullopt;
  });
  EXPECT_EQ(taken(judge({.stamp = {6}, .number = {4}, .tag = 7})), Validity::kValid);
  EXPECT_EQ(taken(judge({.stamp = {6}, .number = {5}, .tag = 7})), Validity::kValid);
  EXPECT_EQ(asked, 1u);
  EXPECT_EQ(taken(judge({.stamp = {3}, .number = {6}, .tag = 3})), Validity::kVoid);
  EXPECT_EQ(judge({.stamp = {3}, .number = {6}, .tag = 4}).error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(judge({.stamp = {4}, .number = {6}, .tag = 4}).error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(asked, 3u);
}

TEST_F(ReaderRuleTest, WithoutThemEarlierClaimsAreTakenOnTrust) {
  offset_ = 10;
  rule_ = ReaderRule({{10}, {4}, {6}});
  EXPECT_EQ(taken(judge({.stamp = {6}, .number = {4}, .tag = 7})), Validity::kValid);
  EXPECT_EQ(taken(judge({.stamp = {3}, .number = {5}, .tag = 3})), Validity::kVoid);
}

TEST_F(ReaderRuleTest, AcknowledgedDecisionsThatAreNotThereWereLost) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(taken(decision(1, 0)), Validity::kValid);
  EXPECT_EQ(taken(decision(1, 1, 1)), Validity::kValid);
  EXPECT_EQ(decision(1, 2, 3).error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(judge({.kind = RecordKind::kClaim, .acked = 3}).error().kind, ErrorKind::kCorrupt);
}

TEST_F(ReaderRuleTest, VoidRecordsAreHeldToTheirAcknowledgementsToo) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(decision(1, 7, 7).error().kind, ErrorKind::kCorrupt);
}

TEST_F(ReaderRuleTest, ForeignBytesAreVoidAndCounted) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  EXPECT_EQ(taken(judge({}, RecordStatus::kForeign)), Validity::kVoid);
  EXPECT_EQ(taken(decision(1, 0)), Validity::kValid);
  EXPECT_EQ(rule_.void_records(), 1u);
}

TEST_F(ReaderRuleTest, OurOwnRecordThatCannotBeReadStopsTheReader) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  const auto kind = [&](RecordStatus status) { return judge({}, status).error().kind; };
  EXPECT_EQ(kind(RecordStatus::kBadCrc), ErrorKind::kCorrupt);
  EXPECT_EQ(kind(RecordStatus::kIncomplete), ErrorKind::kCorrupt);
  EXPECT_EQ(kind(RecordStatus::kBadFormat), ErrorKind::kUnsupported);
  EXPECT_EQ(kind(RecordStatus::kNewerReader), ErrorKind::kUnsupported);
  EXPECT_EQ(rule_.position().next_offset, Offset{1}) << "it stays where it stopped";
}

TEST_F(ReaderRuleTest, SkippedOffsetMeansThatARecordWasLost) {
  EXPECT_EQ(taken(claim()), Validity::kClaim);
  ++offset_;
  EXPECT_EQ(decision(1, 0).error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace tenure
