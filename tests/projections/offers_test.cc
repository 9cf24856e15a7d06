// What people are offered, as clients read it: invitations, space roles and plans.
#include <gtest/gtest.h>

#include <set>

#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

class OffersTest : public testing::Test {
 protected:
  OffersTest() {
    send("cloud", "ann", "CreateOrganization", R"({"name":"Cloud","rulebook":"upcloud"})");
    send("cloud", "ann", "CreateSpace", R"({"space":"w","name":"W"})");
    send("cloud", "ann", "CreateSpace", R"({"space":"v","name":"V"})");
    send("cloud", "ann", "InviteMember", R"({"invitation":"i1","user":"gus","role":"MEMBER"})");
    send("cloud", "ann", "InviteMember",
         R"({"invitation":"i2","user":"zoe","space":"w","space_roles":["ADMIN"]})");
    send(
        "cloud", "ann", "InviteMember",
        R"({"invitation":"i3","user":"zoe","space":"v","space_roles":["VIEWER"],"expires_in_s":60})");
    send("cloud", "zoe", "AcceptInvitation", R"({"invitation":"i2"})");
    refresh();
  }

  void send(const std::string& org, const std::string& user, const std::string& type,
            const std::string& command) {
    ASSERT_EQ(world_.send(org, "user:" + user, type, command), "accepted") << type << command;
  }
  // Between pages: the next of the `odd` ones with odd numbers goes, by `remove(number)`, and new
  // ones come before and behind, as ids sort.
  template <class Add, class Remove>
  auto coming_and_going(int odd, Add add, Remove remove) {
    return [=, this](int turn) {
      const std::string number = std::to_string(turn);
      if (turn < odd) remove(std::to_string(11 + 2 * turn));
      add("a" + number);
      if (turn < 5) add("z" + number);
      refresh();
    };
  }
  void refresh() {
    if (models_ == nullptr) models_ = open_models(directory_.path(), world_);
    catch_up(*models_);
    view_ = models_->view();
  }
  QueryContext as(const std::string& viewer) { return context_of(*view_, world_.now, viewer); }

  TemporaryDirectory directory_;
  World world_;
  std::unique_ptr<ReadModels> models_;
  std::unique_ptr<RowView> view_;
};

std::string text(const Result<std::string>& answer) {
  return answer ? *answer : "error: " + answer.error().message;
}

TEST_F(OffersTest, InvitationsWithWhatTheyOfferAndWhatBecameOfThem) {
  EXPECT_EQ(text(get_invitations(as(""), "cloud", {})),
            R"({"invitations":[{"invitation":"i1","user":"gus","role":"MEMBER","space":null,)"
            R"("space_roles":[],"status":"pending","expires":"2026-09-28T14:13:20.000000Z"},)"
            R"({"invitation":"i2","user":"zoe","role":null,"space":"w","space_roles":["ADMIN"],)"
            R"("status":"accepted","expires":"2026-09-28T14:13:20.000000Z"},)"
            R"({"invitation":"i3","user":"zoe","role":null,"space":"v","space_roles":["VIEWER"],)"
            R"("status":"pending","expires":"2026-09-21T14:14:20.000000Z"}],"next":null})");
  world_.now += std::chrono::minutes(2);
  EXPECT_NE(text(get_invitations(as(""), "cloud", {})).find(R"("status":"expired")"),
            std::string::npos)
      << "time is over though nobody recorded it";
}

TEST_F(OffersTest, WhoManagesASpaceSeesTheInvitationsToItAlone) {
  const std::string own = text(get_invitations(as("zoe"), "cloud", {}));
  EXPECT_NE(own.find("\"i2\""), std::string::npos);
  EXPECT_EQ(own.find("\"i1\""), std::string::npos) << own;
  EXPECT_EQ(own.find("\"i3\""), std::string::npos) << own;
  EXPECT_FALSE(get_invitations(as("mallory"), "cloud", {}));
}

TEST_F(OffersTest, InvitationsComeInPages) {
  const std::string first = text(get_invitations(as(""), "cloud", {.limit = 2, .cursor = {}}));
  EXPECT_TRUE(first.ends_with(R"("next":"i2"})")) << first;
  const std::string last = text(get_invitations(as(""), "cloud", {.limit = 2, .cursor = "i2"}));
  EXPECT_NE(last.find("\"i3\""), std::string::npos);
  EXPECT_EQ(last.find("\"i1\""), std::string::npos);
  EXPECT_TRUE(last.ends_with(R"("next":null})"));
}

TEST_F(OffersTest, ThePersonInvitedSeesThoseOfAllOrganizationsThatCanStillBeAnswered) {
  send("other", "eve", "CreateOrganization", R"({"name":"Other","rulebook":"upcloud"})");
  send("other", "eve", "InviteMember", R"({"invitation":"j","user":"zoe","role":"ADMIN"})");
  refresh();
  EXPECT_EQ(text(get_user_invitations(as("zoe"), "zoe", {})),
            R"({"invitations":[{"org":"cloud","invitation":"i3","user":"zoe","role":null,)"
            R"("space":"v","space_roles":["VIEWER"],"status":"pending",)"
            R"("expires":"2026-09-21T14:14:20.000000Z"},{"org":"other","invitation":"j",)"
            R"("user":"zoe","role":"ADMIN","space":null,"space_roles":[],"status":"pending",)"
            R"("expires":"2026-09-28T14:13:20.000000Z"}],"next":null})");
  const std::string first = text(get_user_invitations(as(""), "zoe", {.limit = 1, .cursor = {}}));
  EXPECT_TRUE(first.ends_with(R"("next":"cloud/i3"})")) << first;
  const std::string last =
      text(get_user_invitations(as(""), "zoe", {.limit = 1, .cursor = "cloud/i3"}));
  EXPECT_NE(last.find("\"j\""), std::string::npos);
  EXPECT_TRUE(last.ends_with(R"("next":null})")) << last;
  world_.now += std::chrono::minutes(2);
  EXPECT_EQ(text(get_user_invitations(as("zoe"), "zoe", {})).find("\"i3\""), std::string::npos);
  EXPECT_FALSE(get_user_invitations(as("gus"), "zoe", {})) << "nobody else's business";
}

TEST_F(OffersTest, SpaceRolesOfTheRulebookAndOfTheOrganization) {
  send("cms", "ann", "CreateOrganization", R"({"name":"Cms","rulebook":"flotiq"})");
  send("cms", "ann", "DefineSpaceRole",
       R"({"role":"Writer","actions":["resource.update:media","resource.read:media"]})");
  refresh();
  EXPECT_EQ(text(get_space_roles(as("ann"), "cms")),
            R"({"space_roles":[{"role":"Writer","actions":["resource.read:media",)"
            R"("resource.update:media"],"custom":true}]})");
  const std::string levels = text(get_space_roles(as("zoe"), "cloud"));  // a guest sees them, too
  for (const char* level : {"ADMIN", "EDITOR", "VIEWER"}) {
    EXPECT_NE(levels.find(R"({"role":")" + std::string(level) + R"(","actions":[)"),
              std::string::npos)
        << levels;
  }
  EXPECT_EQ(levels.find(R"("custom":true)"), std::string::npos);
  EXPECT_FALSE(get_space_roles(as("mallory"), "cms"));
}

TEST_F(OffersTest, PlansWithTheirPricesAndMeters) {
  const std::string plans = text(get_plans(as("ann"), test_catalog(), "cloud"));
  EXPECT_NE(plans.find(R"({"plan":"basic","price_minor":2000,"currency":"EUR","period_months":1,)"
                       R"("meters":[{"meter":"resources","kind":"gauge","limit":1000,"tiers":[]})"),
            std::string::npos)
      << plans;
  EXPECT_NE(plans.find(R"({"plan":"free","price_minor":0,)"), std::string::npos);
  EXPECT_FALSE(get_plans(as("mallory"), test_catalog(), "cloud"));
}

// The items of a list that `item` begins, in the order shown.
std::vector<std::string> shown(const std::string& page, std::string_view item) {
  std::vector<std::string> ids;
  const std::string mark = "{\"" + std::string(item) + "\":\"";
  for (size_t at = page.find(mark); at != std::string::npos; at = page.find(mark, at)) {
    at += mark.size();
    ids.push_back(page.substr(at, page.find('"', at) - at));
  }
  return ids;
}
std::string next_of(const std::string& page) {
  const size_t at = page.rfind(R"("next":")");
  if (at == std::string::npos) return "";
  return page.substr(at + 8, page.find('"', at + 8) - at - 8);
}

// Pages of three through what `read` lists, with `meanwhile(turn)` between them: each that was
// there all the time is met once, and none twice.
template <class Read, class Meanwhile>
void expect_each_once(std::string_view item, const std::set<std::string>& staying, Read read,
                      Meanwhile meanwhile) {
  std::multiset<std::string> seen;
  Page page{.limit = 3, .cursor = {}};
  int turn = 0;
  do {
    const std::string answer = text(read(page));
    const std::vector<std::string> ids = shown(answer, item);
    ASSERT_LE(ids.size(), 3u) << answer;
    seen.insert(ids.begin(), ids.end());
    page.cursor = next_of(answer);
    meanwhile(turn++);
  } while (!page.cursor.empty() && turn < 1000);
  for (const std::string& id : staying) EXPECT_EQ(seen.count(id), 1u) << id;
  for (const std::string& id : seen) EXPECT_EQ(seen.count(id), 1u) << id;
}

TEST_F(OffersTest, PagesOfSpacesAndResourcesMeetEachThatStaysOnceWhileOthersComeAndGo) {
  send("shop", "ann", "CreateOrganization", R"({"name":"Shop","rulebook":"space"})");
  const auto add_space = [&](const std::string& id) {
    send("shop", "ann", "CreateSpace", R"({"space":")" + id + R"(","name":"S"})");
  };
  const auto add_resource = [&](const std::string& id) {
    send("shop", "ann", "CreateResource",
         R"({"space":"s10","type":"service","resource":")" + id + R"("})");
  };
  std::set<std::string> spaces, resources;
  for (int i = 10; i < 40; ++i) {
    add_space("s" + std::to_string(i));
    add_resource("r" + std::to_string(i));
    if (i % 2 != 0) continue;
    spaces.insert("s" + std::to_string(i));
    resources.insert("r" + std::to_string(i));
  }
  refresh();
  expect_each_once(
      "space", spaces, [&](const Page& page) { return get_spaces(as(""), "shop", page); },
      coming_and_going(15, add_space, [&](const std::string& number) {
        send("shop", "ann", "DeleteSpace", R"({"space":"s)" + number + R"(","confirm":true})");
      }));
  expect_each_once(
      "resource", resources,
      [&](const Page& page) { return get_resources(as(""), "shop", "s10", page); },
      coming_and_going(15, add_resource, [&](const std::string& number) {
        send("shop", "ann", "DeleteResource", R"({"space":"s10","resource":"r)" + number + R"("})");
      }));
}

TEST_F(OffersTest, PagesOfGroupsAndOfASpacesPeopleMeetEachThatStaysOnceWhileOthersComeAndGo) {
  send("club", "ann", "CreateOrganization", R"({"name":"Club","rulebook":"anaphora"})");
  send("club", "ann", "CreateSpace", R"({"space":"bar","name":"Bar"})");
  const auto add_group = [&](const std::string& id) {
    send("club", "ann", "CreateGroup", R"({"group":")" + id + R"(","name":"G"})");
  };
  const auto add_person = [&](const std::string& id) {
    send("club", "ann", "AddMember", R"({"user":")" + id + R"(","role":"USER"})");
    send("club", "ann", "GrantAccess",
         R"({"space":"bar","subject":"user:)" + id + R"(","roles":["Readonly"]})");
  };
  std::set<std::string> groups, people;
  for (int i = 10; i < 30; ++i) {
    add_group("g" + std::to_string(i));
    add_person("p" + std::to_string(i));
    if (i % 2 != 0) continue;
    groups.insert("g" + std::to_string(i));
    people.insert("p" + std::to_string(i));
  }
  refresh();
  expect_each_once(
      "group", groups, [&](const Page& page) { return get_groups(as(""), "club", page); },
      coming_and_going(10, add_group, [&](const std::string& number) {
        send("club", "ann", "DeleteGroup", R"({"group":"g)" + number + R"("})");
      }));
  expect_each_once(
      "user", people,
      [&](const Page& page) { return get_space_members(as(""), "club", "bar", page); },
      coming_and_going(10, add_person, [&](const std::string& number) {
        send("club", "ann", "RevokeAccess",
             R"({"space":"bar","subject":"user:p)" + number + R"("})");
      }));
}

}  // namespace
}  // namespace tenure::test
