// What is in one organization or space never shows in another, however alike their ids.
#include <gtest/gtest.h>

#include "projections/key_layout.h"
#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

// Ids that begin alike, hold each other, and sort next to each other.
const std::vector<std::string> kAlike = {"a", "a-", "a-b", "a.b", "a:b", "a_b", "ab", "aa", "b"};

// The same small life in an organization; `mark` tells its names from the others'.
void live(World& world, const std::string& org, const std::string& mark) {
  auto send = [&](const std::string& type, const std::string& command) {
    ASSERT_EQ(world.send(org, "user:root", type, command), "accepted") << org << command;
  };
  send("CreateOrganization", R"({"name":"N)" + mark + R"(","rulebook":"anaphora"})");
  for (const std::string& id : kAlike) {
    send("CreateSpace", R"({"space":")" + id + R"(","name":")" + mark + R"("})");
    send("AddMember", R"({"user":")" + id + R"(","role":"USER"})");
    send("CreateGroup", R"({"group":")" + id + R"(","name":")" + mark + R"("})");
    send("AddToGroup", R"({"group":")" + id + R"(","user":")" + id + R"("})");
    send("GrantAccess",
         R"({"space":")" + id + R"(","subject":"user:)" + id + R"(","roles":["Readonly"]})");
    send("CreateResource", R"({"space":")" + id + R"(","type":"job","resource":")" + id +
                               R"(","name":")" + mark + R"("})");
  }
}

TEST(Isolation, OrganizationsWithIdsAlikeAnswerAsIfAlone) {
  TemporaryDirectory directory;
  World together;
  for (const std::string& org : kAlike) live(together, org, org);
  auto models = open_models(directory.path() + "/together", together);
  auto view = models->view();
  for (const std::string& org : kAlike) {
    World alone;
    live(alone, org, org);
    auto own = open_models(directory.path() + "/" + org, alone);
    EXPECT_EQ(all_answers(context_of(*view, kStart), *together.machine().find(org)),
              all_answers(context_of(*own->view(), kStart), *alone.machine().find(org)))
        << org;
  }
}

// What each of two organizations does, done by the other: every answer changes sides.
TEST(Isolation, SwappedIdsSwapTheAnswersAndNothingElse) {
  TemporaryDirectory directory;
  auto answers = [&](const std::string& first, const std::string& second, const char* place) {
    World world;
    live(world, first, "one");
    live(world, second, "two");
    EXPECT_EQ(world.send(first, "user:root", "RemoveMember", R"({"user":"a"})"), "accepted");
    auto models = open_models(directory.path() + place, world);
    auto view = models->view();
    auto of = [&](const std::string& org) {
      std::string all = all_answers(context_of(*view, kStart), *world.machine().find(org));
      // The one place where an answer names its organization.
      std::string own = "\"org\":\"" + org + "\"";
      all.replace(all.find(own), own.size(), "\"org\":\"it\"");
      return all;
    };
    return std::pair(of(first), of(second));
  };
  auto straight = answers("a", "a-b", "/straight");
  auto swapped = answers("a-b", "a", "/swapped");
  EXPECT_EQ(straight, swapped);
  EXPECT_NE(straight.first, straight.second);
}

TEST(Isolation, NoIdOfAnotherOrganizationChangesAnAnswer) {
  TemporaryDirectory directory;
  World world;
  live(world, "a", "one");
  live(world, "a-b", "two");
  ASSERT_EQ(world.send("a-b", "user:root", "CreateSpace", R"({"space":"own","name":"o"})"),
            "accepted");
  ASSERT_EQ(world.send("a-b", "user:root", "AddMember", R"({"user":"stranger","role":"USER"})"),
            "accepted");
  auto models = open_models(directory.path(), world);
  auto view = models->view();
  QueryContext root = context_of(*view, kStart, "root");
  for (const char* space : {"own", "nowhere", "", "a-b", "a\x1f",
                            "a\x1f"
                            "a\x1f"}) {
    std::string id = space;
    auto answer = get_space(root, "a", id);
    if (id == "a-b") continue;  // the organization has one of its own by this name
    ASSERT_FALSE(answer) << *answer;
    EXPECT_EQ(answer.error().message, "no space " + id + " in a");
  }
  for (const char* user : {"stranger", "nobody", ""}) {
    auto answer = get_member(root, "a", user);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message, "no member " + std::string(user) + " in a");
  }
  QueryContext stranger = context_of(*view, kStart, "stranger");
  EXPECT_EQ(get_organization(stranger, "a").error().message,
            "no organization a, or none that whoever asks may see; check its name");
  EXPECT_EQ(get_organization(stranger, "c").error().message,
            "no organization c, or none that whoever asks may see; check its name");
}

TEST(Isolation, AnOrganizationIsOneRangeOfKeysAndASpaceOneRangeInIt) {
  for (const std::string& org : kAlike) {
    Keys keys(org);
    std::string prefix(keys.organization());
    for (const std::string& other : kAlike) {
      if (other == org) continue;
      Keys others(other);
      EXPECT_FALSE(others.member("u").str().starts_with(prefix));
      EXPECT_FALSE(others.resource("s", "r").str().starts_with(prefix));
      EXPECT_FALSE(others.history(7).str().starts_with(prefix));
    }
    for (const std::string& space : kAlike) {
      std::string begin = keys.space(space).str(), end = keys.after_space(space).str();
      for (const std::string& other : kAlike) {
        for (const std::string& key : {keys.space(other).str(), keys.access(other, "user:a").str(),
                                       keys.resource(other, "a").str()}) {
          EXPECT_EQ(begin <= key && key < end, other == space) << org << space << other;
        }
        std::string member = keys.member(other).str();
        EXPECT_FALSE(begin <= member && member < end);
      }
    }
  }
}

}  // namespace
}  // namespace tenure::test
