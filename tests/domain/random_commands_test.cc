#include "tests/domain/random_commands.h"

#include <gtest/gtest.h>

#include <map>

namespace tenure {
namespace {

constexpr Time kStart = from_micros(1'790'000'000'000'000);

TEST(RandomCommands, AreTheSameForTheSameSeed) {
  RandomCommands a(7), b(7), c(8);
  bool differs = false;
  for (int i = 0; i < 500; ++i) {
    const Time now = kStart + std::chrono::minutes(i);
    const std::vector<uint8_t> command = a.next(now);
    EXPECT_EQ(command, b.next(now));
    differs |= command != c.next(now);
  }
  EXPECT_TRUE(differs);
}

TEST(RandomCommands, AreMostlyAcceptedAndCoverEveryCommandAndOutcome) {
  RandomCommands commands(1);
  DomainMachine machine(DomainMachine::Keep::kLastDecision);
  std::map<std::string, std::pair<int, int>> by_type;  // accepted, rejected
  int accepted = 0;
  constexpr int kCommands = 100'000;
  for (int i = 0; i < kCommands; ++i) {
    const Time now = kStart + std::chrono::minutes(i);
    const std::vector<uint8_t> command = commands.next(now);
    flatbuffers::Verifier verifier(command.data(), command.size());
    ASSERT_TRUE(
        verifier.VerifyBuffer<schema::CommandEnvelope>(schema::CommandEnvelopeIdentifier()));
    const bool yes = machine.apply(command, now).outcome() == schema::Outcome::accepted;
    auto& [type_accepted, type_rejected] =
        by_type[schema::EnumNameCommand(envelope_of(command).command_type())];
    ++(yes ? type_accepted : type_rejected);
    accepted += yes;
  }
  for (const auto& [type, counts] : by_type) {
    std::cout << type << ": " << counts.first << " accepted, " << counts.second << " rejected\n";
    EXPECT_GT(counts.first, 0) << type;
    EXPECT_GT(counts.second, 0) << type;
  }
  // All but those that the engine gives itself, and what only a sandbox takes.
  for (const schema::Command type : schema::EnumValuesCommand()) {
    const bool own =
        type == schema::Command::NONE || type == schema::Command::ExpireCheckout ||
        type == schema::Command::ExpireInvitation || type == schema::Command::CloseBillingPeriod ||
        type == schema::Command::IssueInvoice || type == schema::Command::ExpireCredits ||
        type == schema::Command::AdvanceDunning || type == schema::Command::AdvanceClock ||
        type == schema::Command::UnreadableMessage;
    EXPECT_EQ(by_type.contains(schema::EnumNameCommand(type)), !own)
        << schema::EnumNameCommand(type);
  }
  std::cout << "accepted " << 100.0 * accepted / kCommands << " %\n";
  EXPECT_GE(accepted, kCommands * 55 / 100);
  EXPECT_LE(accepted, kCommands * 80 / 100);
}

}  // namespace
}  // namespace tenure
