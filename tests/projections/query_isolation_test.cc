// Full isolation of the reads: over random histories, every question asked about an organization or
// a space that the viewer does not see is answered as about one that is not there; and nothing that
// happens where they do not look changes an answer.
#include <gtest/gtest.h>

#include <functional>
#include <iostream>

#include "engine/domain/access.h"
#include "engine/domain/names.h"
#include "projections/explain/explain.h"
#include "projections/queries/as_of.h"
#include "tests/domain/random_commands.h"
#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

const std::string kNowhere = "nowhere";
const Page kAll{.limit = kMaxPage, .cursor = {}}, kOne{.limit = 1, .cursor = {}};

uint64_t organizations_asked = 0, spaces_asked = 0, answers_kept = 0;

class CountAtEnd : public testing::Environment {
  void TearDown() override {
    std::cout << organizations_asked << " questions about organizations and " << spaces_asked
              << " about spaces that their viewer does not see, " << answers_kept
              << " answers that others' doings left alone\n";
  }
};
const auto* const kCount = testing::AddGlobalTestEnvironment(new CountAtEnd);

std::string shown(const Result<std::string>& answer) {
  return answer ? *answer : "error " + answer.error().message;
}
std::string shown(const Result<ExportPage>& page) {
  return page ? page->lines + page->next : "error " + page.error().message;
}
std::string shown(const Result<HistoryPage>& page) {
  if (!page) return "error " + page.error().message;
  std::string numbers = page->next;
  for (const uint64_t number : page->numbers) numbers += " " + std::to_string(number);
  return numbers;
}
std::string shown(const Result<CheckAnswer>& answer) {
  if (!answer) return "error " + answer.error().message;
  std::string said = answer->allowed ? "yes" : "no";
  for (const CheckReason& reason : answer->because) {
    said += "; " + reason.rule;
    if (answer->allowed) said += " " + std::to_string(reason.number);
  }
  return said;
}

// `text` with each `id` that stands by itself called X.
std::string without_id(std::string text, const std::string& id) {
  const auto is_of_id = [&](size_t at) {
    return at < text.size() && is_valid_id(std::string_view(text).substr(at, 1));
  };
  for (size_t at = 0; (at = text.find(id, at)) != std::string::npos;) {
    const bool alone = (at == 0 || !is_of_id(at - 1)) && !is_of_id(at + id.size());
    if (alone) text.replace(at, id.size(), "X");
    ++at;
  }
  return text;
}

// A world with its read models, and every question there is as functions of ids.
class Asker {
 public:
  using OfOrganization = std::function<std::string(const QueryContext&, const std::string& org)>;
  using OfSpace = std::function<std::string(const QueryContext&, const std::string& org,
                                            const std::string& space)>;

  World world;
  RandomCommands commands;

  explicit Asker(uint64_t seed)
      : commands(seed, {.organizations = 4, .users = 8, .groups = 3, .spaces = 4}) {}

  // `count` commands of the stream, but none to `spared`.
  void run(size_t count, const std::string& spared = {}) {
    for (size_t i = 0; i < count; ++i) {
      world.now += std::chrono::minutes(20);
      const std::vector<uint8_t> command = commands.next(world.now);
      if (envelope_of(command).org()->string_view() != spared) world.apply(command);
    }
    refresh();
  }
  void refresh() {
    if (models_ == nullptr) models_ = open_models(directory_.path(), world);
    catch_up(*models_);
    view_ = models_->view();
  }
  QueryContext as(const std::string& viewer) const { return context_of(*view_, world.now, viewer); }
  ExplainSources sources() {
    return {.log = world.log(), .partition = kPartition, .catalog = test_catalog()};
  }

  std::vector<OfOrganization> of_organization() {
    const auto viewer = [](const QueryContext& c) { return c.viewer.user; };
    return {
        [](const QueryContext& c, const std::string& org) {
          return shown(get_organization(c, org));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_members(c, org, kAll)) + shown(get_members(c, org, kOne));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_member(c, org, "u1"));
        },
        [=](const QueryContext& c, const std::string& org) {
          return shown(get_member(c, org, viewer(c)));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_groups(c, org, kAll)) + shown(get_groups(c, org, kOne));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_assignable_roles(c, org, "u0", "u1"));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_spaces(c, org, kAll)) + shown(get_spaces(c, org, kOne));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_invitations(c, org, kAll)) + shown(get_invitations(c, org, kOne));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_space_roles(c, org));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_plans(c, test_catalog(), org));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_organization_billing(c, org));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_invoices(c, org, "", kAll)) + shown(get_invoices(c, org, "", kOne));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_history(c, org, "", kAll));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(get_history(c, org, "user:u1", kAll));
        },
        [this](const QueryContext& c, const std::string& org) { return own_command(c, org); },
        [=](const QueryContext& c, const std::string& org) {
          return shown(check(c, {org, "", viewer(c), "member.view", ""}));
        },
        [](const QueryContext& c, const std::string& org) {
          return shown(check(c, {org, "", "u1", "member.view", ""}));
        },
        [=, this](const QueryContext& c, const std::string& org) {
          return shown(explain_check(c, sources(), {org, "", viewer(c), "member.add", ""}));
        },
        [this](const QueryContext& c, const std::string& org) {
          return shown(explain_check(c, sources(), {org, "", "u1", "member.add", ""}));
        },
    };
  }

  std::vector<OfSpace> of_space() {
    const auto viewer = [](const QueryContext& c) { return c.viewer.user; };
    using S = std::string;
    return {
        [](const QueryContext& c, const S& o, const S& s) { return shown(get_space(c, o, s)); },
        [](const QueryContext& c, const S& o, const S& s) {
          return shown(get_space_members(c, o, s, kAll)) + shown(get_space_members(c, o, s, kOne));
        },
        [](const QueryContext& c, const S& o, const S& s) {
          return shown(get_access(c, o, s, kAll)) + shown(get_access(c, o, s, kOne));
        },
        [](const QueryContext& c, const S& o, const S& s) {
          return shown(get_resources(c, o, s, kAll)) + shown(get_resources(c, o, s, kOne));
        },
        [](const QueryContext& c, const S& o, const S& s) {
          return shown(export_space(c, o, s, kAll)) + shown(export_space(c, o, s, kOne));
        },
        [](const QueryContext& c, const S& o, const S& s) { return shown(get_usage(c, o, s)); },
        [](const QueryContext& c, const S& o, const S& s) { return shown(get_billing(c, o, s)); },
        [](const QueryContext& c, const S& o, const S& s) {
          return shown(get_credits(c, o, s, kAll)) + shown(get_billing_log(c, o, s, kAll));
        },
        [](const QueryContext& c, const S& o, const S& s) {
          return shown(get_invoices(c, o, s, kAll));
        },
        [](const QueryContext& c, const S& o, const S& s) {
          return shown(get_plan_preview(c, test_catalog(), o, s, "basic"));
        },
        [](const QueryContext& c, const S& o, const S& s) {
          return shown(get_assignable_space_roles(c, o, s, "u0"));
        },
        [=](const QueryContext& c, const S& o, const S& s) {
          return shown(check(c, {o, s, viewer(c), "space.view", ""}));
        },
        [](const QueryContext& c, const S& o, const S& s) {
          return shown(check(c, {o, s, "u1", "space.view", ""}));
        },
        [=, this](const QueryContext& c, const S& o, const S& s) {
          return shown(explain_check(c, sources(), {o, s, viewer(c), "access.manage", ""}));
        },
        [this](const QueryContext& c, const S& o, const S& s) {
          return shown(explain_check(c, sources(), {o, s, "u1", "access.manage", ""}));
        },
    };
  }

  // Of the decisions under the id of somebody else's command there, those that the viewer may read:
  // what they sent themselves they know, wherever they sent it.
  std::string own_command(const QueryContext& context, const std::string& org) {
    const auto& history = world.machine().history();
    std::string id = "no-such-command";
    for (const std::vector<uint8_t>& made : history) {
      const auto& envelope = *decision_of(made).command_nested_root();
      const bool own = envelope.actor()->str() == "user:" + context.viewer.user;
      if (envelope.org()->string_view() == org && !own) id = envelope.id()->str();
    }
    const auto places = find_command(context, org, id);
    if (!places) return "error " + places.error().message;
    std::string read = places->all_visible ? "all" : "own";
    for (const uint64_t number : places->numbers) {
      const auto& envelope = *decision_of(history[number]).command_nested_root();
      if (places->all_visible || envelope.actor()->str() == "user:" + context.viewer.user) {
        read += " " + std::to_string(number);
      }
    }
    return read;
  }

  // All about one organization, and about the viewer, that depends on ids that are theirs to know.
  std::string everything(const QueryContext& context, const std::string& org) {
    std::string all;
    for (const auto& ask : of_organization()) all += ask(context, org) + "\n";
    for (const std::string space : {"s0", "s1", "s2", "s3"}) {
      for (const auto& ask : of_space()) all += ask(context, org, space) + "\n";
    }
    return all;
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<ReadModels> models_;
  std::unique_ptr<RowView> view_;
};

std::vector<std::string> viewers() {
  std::vector<std::string> users = {"stranger"};
  for (int i = 0; i < 8; ++i) users.push_back("u" + std::to_string(i));
  return users;
}

class QueryIsolation : public testing::TestWithParam<uint64_t> {};

TEST_P(QueryIsolation, AnOrganizationThatIsNotOnesOwnAnswersAsOneThatIsNotThere) {
  Asker asker(GetParam());
  asker.run(400);
  for (const std::string& viewer : viewers()) {
    const QueryContext context = asker.as(viewer);
    for (const auto& [org, state] : asker.world.machine().organizations()) {
      const bool suspended = state.members.contains(std::string_view(viewer)) && !state.deleted;
      if (standing_of(state, viewer) || suspended) continue;
      for (const auto& ask : asker.of_organization()) {
        ++organizations_asked;
        EXPECT_EQ(without_id(ask(context, org), org), without_id(ask(context, kNowhere), kNowhere))
            << viewer << " asks about " << org << ", seed " << GetParam();
      }
      for (const auto& [space, held] : state.spaces) {
        for (const auto& ask : asker.of_space()) {
          ++organizations_asked;
          EXPECT_EQ(without_id(ask(context, org, space.str()), org),
                    without_id(ask(context, kNowhere, space.str()), kNowhere))
              << viewer << " asks about " << org << " " << space.str();
        }
      }
    }
  }
}

TEST_P(QueryIsolation, ASpaceThatOneDoesNotSeeAnswersAsOneThatIsNotThere) {
  Asker asker(GetParam());
  asker.run(400);
  for (const std::string& viewer : viewers()) {
    const QueryContext context = asker.as(viewer);
    for (const auto& [org, state] : asker.world.machine().organizations()) {
      for (const std::string space : {"s0", "s1", "s2", "s3"}) {
        const auto held = state.spaces.find(std::string_view(space));
        if (held != state.spaces.end() && sees_space(state, held->second, viewer)) continue;
        for (const auto& ask : asker.of_space()) {
          ++spaces_asked;
          EXPECT_EQ(without_id(ask(context, org, space), space),
                    without_id(ask(context, org, kNowhere), kNowhere))
              << viewer << " asks about " << org << " " << space << ", seed " << GetParam();
        }
      }
    }
  }
}

TEST_P(QueryIsolation, WhatOthersDoElsewhereChangesNoAnswer) {
  Asker asker(GetParam());
  asker.run(300);
  const Time then = asker.world.now;
  for (const auto& spared : {"org0", "org1", "org2", "org3"}) {
    const std::string org = spared;
    if (asker.world.machine().find(org) == nullptr) continue;
    std::vector<std::string> before;
    for (const std::string& viewer : viewers()) {
      QueryContext context = asker.as(viewer);
      context.now = then;
      before.push_back(asker.everything(context, org));
    }
    asker.run(60, org);
    for (size_t i = 0; i < before.size(); ++i) {
      QueryContext context = asker.as(viewers()[i]);
      context.now = then;
      EXPECT_EQ(asker.everything(context, org), before[i]) << viewers()[i] << " in " << org;
      ++answers_kept;
    }
  }
}

// What goes on in a space is nothing to a member who does not see it, and has no place in what they
// are told of the organization, but for its version.
class QueryIsolationOfSpaces : public testing::Test {
 protected:
  void send(const std::string& type, const std::string& command,
            const std::string& actor = "user:root") {
    ASSERT_EQ(asker_.world.send("lab", actor, type, command), "accepted") << type << command;
  }
  void make_spaces() {
    for (const char* space : {"s0", "s1"}) {
      send("CreateSpace", R"({"space":")" + std::string(space) + R"(","name":"S"})");
    }
  }
  // All that u1 is told, but for the version.
  std::string told() {
    asker_.refresh();
    std::string all = asker_.everything(asker_.as("u1"), "lab");
    for (const Page& page : {kAll, kOne}) {
      all += shown(get_user_spaces(asker_.as("u1"), "u1", page)) +
             shown(get_user_organizations(asker_.as("u1"), "u1", page));
    }
    constexpr std::string_view kVersion = R"("version":)";
    for (size_t at = 0; (at = all.find(kVersion, at)) != std::string::npos;) {
      at += kVersion.size();
      while (at < all.size() && std::isdigit(static_cast<unsigned char>(all[at])) != 0) {
        all.erase(at, 1);
      }
    }
    return all;
  }

  Asker asker_{1};
};

TEST_F(QueryIsolationOfSpaces, WhatGoesOnInAHiddenSpaceChangesNoAnswer) {
  send("CreateOrganization", R"({"name":"Lab","rulebook":"anaphora"})");
  send("AddMember", R"({"user":"u1","role":"USER"})");
  make_spaces();
  send("GrantAccess", R"({"space":"s0","subject":"user:u1","roles":["Admin"]})");
  const std::string before = told();
  send("CreateResource", R"({"space":"s1","type":"job","resource":"j"})");
  send("RenameSpace", R"({"space":"s1","name":"Other"})");
  send("AddMember", R"({"user":"u2","role":"USER"})");
  send("GrantAccess", R"({"space":"s1","subject":"user:u2","roles":["Readonly"]})");
  send("ArchiveSpace", R"({"space":"s1"})");
  EXPECT_EQ(told(), before);
  send("DeleteSpace", R"({"space":"s1","confirm":true})");
  EXPECT_EQ(told(), before);
}

// Where members see each other, and people are invited to a space.
TEST_F(QueryIsolationOfSpaces, WhoIsInvitedToAHiddenSpaceChangesNoAnswer) {
  send("CreateOrganization", R"({"name":"Lab","rulebook":"upcloud"})");
  make_spaces();
  for (const std::string user : {"u1", "u2"}) {
    send("InviteMember",
         R"({"invitation":"i-)" + user + R"(","user":")" + user + R"(","role":"MEMBER"})");
    send("AcceptInvitation", R"({"invitation":"i-)" + user + R"("})", "user:" + user);
  }
  send("InviteMember", R"({"invitation":"u1","user":"u1","space":"s0","space_roles":["ADMIN"]})");
  send("AcceptInvitation", R"({"invitation":"u1"})", "user:u1");
  const std::string before = told();
  for (const std::string user : {"u2", "u3"}) {  // a member, and a guest
    send("InviteMember", R"({"invitation":"to-)" + user + R"(","user":")" + user +
                             R"(","space":"s1","space_roles":["VIEWER"]})");
    EXPECT_EQ(told(), before) << user;
    send("AcceptInvitation", R"({"invitation":"to-)" + user + R"("})", "user:" + user);
    EXPECT_EQ(told(), before) << user;
  }
  send("DeleteSpace", R"({"space":"s1","confirm":true})");
  EXPECT_EQ(told(), before);
}

// A position says nothing to whom the decision is none of their business.
TEST_P(QueryIsolation, DecisionsOfOthersAreExplainedToNobody) {
  Asker asker(GetParam());
  asker.run(150);
  const std::string none =
      shown(explain_decision(asker.as("stranger"), asker.sources(), 1'000'000));
  for (uint64_t number = 0; number < asker.world.decisions(); ++number) {
    EXPECT_EQ(without_id(shown(explain_decision(asker.as("stranger"), asker.sources(), number)),
                         format_position({kPartition, {number}})),
              without_id(none, format_position({kPartition, {1'000'000}})));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, QueryIsolation, testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace tenure::test
