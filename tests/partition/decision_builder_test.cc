#include "engine/partition/decision_builder.h"

#include <gtest/gtest.h>

#include "engine/domain/evolve.h"
#include "engine/log/record.h"
#include "tests/domain/domain_machine.h"
#include "tests/partition/harness.h"

namespace tenure::test {
namespace {

class Decisions : public testing::Test {
 protected:
  const schema::Decision& build(std::string_view json) {
    last = command(json);
    builder.build(exists ? &organization : nullptr, last->view(), now);
    return builder.get();
  }
  void apply(std::string_view json) {
    const schema::Decision& decision = build(json);
    ASSERT_EQ(decision.outcome(), schema::Outcome::accepted);
    evolve(organization, decision, {}, test_rulebooks());
    exists = true;
  }

  Decisions() { organization.id = OrgId("acme"); }

  DecisionBuilder builder{test_rulebooks(), test_catalog()};
  Organization organization;
  bool exists = false;
  std::optional<CommandBytes> last;
  Time now = from_micros(1'800'000'000'000'000);
};

TEST_F(Decisions, CarryTheCommandByteForByteAndReadInPlace) {
  const schema::Decision& decision = build(create("1", "acme"));
  EXPECT_TRUE(std::ranges::equal(*decision.command(), last->view()));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(decision.command()->data()) % 8, 0u) << "aligned";
  EXPECT_EQ(decision.command_nested_root()->id()->str(), "1");
  EXPECT_EQ(decision.time(), to_micros(now));
  EXPECT_EQ(decision.version(), 1u);
  EXPECT_EQ(decision.events()->size(), 2u);
}

TEST_F(Decisions, ThatRejectHoldTheReasonAndNoEvents) {
  apply(create("1", "acme"));
  const schema::Decision& decision = build(add("2", "acme", "olga"));
  EXPECT_EQ(decision.outcome(), schema::Outcome::rejected);
  EXPECT_EQ(decision.rejection()->code(), schema::RejectionCode::already_member);
  EXPECT_EQ(decision.events(), nullptr);
  EXPECT_EQ(decision.version(), 1u);
}

TEST_F(Decisions, AreTheSameBytesWhateverWasBuiltBefore) {
  const auto bytes = [&] {
    const auto built = builder.build(nullptr, last->view(), now);
    return std::vector<std::byte>(built.begin(), built.end());
  };
  build(create("1", "acme"));
  const auto first = bytes();
  build(add("2", "acme", "bob"));
  last = command(create("1", "acme"));
  EXPECT_EQ(bytes(), first);
}

// Removing somebody with access to very many spaces says so for each of them.
TEST_F(Decisions, AboveTheLargestRecordAreRejections) {
  apply(json("1", "acme", "user:olga", "CreateOrganization",
             R"("name":"Acme","rulebook":"anaphora")"));
  apply(add("2", "acme", "bob", "USER"));
  for (uint64_t i = 0; i < 100'000; i++) {
    organization.spaces[SpaceId(numbered(std::string(120, 's'), i))].access[Subject("user:bob")];
  }
  derive(organization);
  const schema::Decision& decision =
      build(json("3", "acme", "user:olga", "RemoveMember", R"("user":"bob")"));
  ASSERT_EQ(decision.outcome(), schema::Outcome::rejected);
  EXPECT_EQ(decision.rejection()->code(), schema::RejectionCode::limit_exceeded);
  EXPECT_EQ(decision.version(), 2u);
  EXPECT_EQ(decision.events(), nullptr);
}

}  // namespace
}  // namespace tenure::test
