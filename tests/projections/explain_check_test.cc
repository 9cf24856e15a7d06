// What explain says of a question: each link with the decision behind it, of a denial the rule and
// the ways on.
#include "engine/domain/text.h"
#include "projections/queries/as_of.h"
#include "tests/projections/explain_fixture.h"

namespace tenure::test {
namespace {

TEST_F(ExplainTest, DirectAndGroupGrantsWithTheMembershipUnderThem) {
  make_lab();
  EXPECT_EQ(check({"lab", "web", "bob", "resource.read", "job"}), R"(yes
- anaphora@1 Readonly held directly has resource.read:job [0:5 GrantAccess user:root]
- anaphora@1 ReadWrite of group:ops has resource.read:job [0:6 GrantAccess user:root]
- member of group:ops [0:4 AddToGroup user:root]
- bob is a member as USER [0:1 AddMember user:root]
)");
  EXPECT_EQ(check({"lab", "web", "bob", "resource.delete:delivery_interface", ""}), R"(no
- anaphora@1 USER, Readonly, ReadWrite of group:ops has no resource.delete:delivery_interface
- Readonly held directly in web [0:5 GrantAccess user:root]
- ReadWrite of group:ops in web [0:6 GrantAccess user:root]
- member of group:ops [0:4 AddToGroup user:root]
- bob is a member as USER [0:1 AddMember user:root]
> ChangeRole bob to SYSTEM_ADMIN: SYSTEM_ADMIN
> ChangeAccess of bob to Admin in web: SYSTEM_ADMIN
)");
}

TEST_F(ExplainTest, InheritedRoles) {
  make_lab();
  EXPECT_EQ(check({"lab", "web", "root", "resource.read:job", ""}), R"(yes
- anaphora@1 SYSTEM_ADMIN inherits Admin, which has resource.read:job [0:0 CreateOrganization user:root]
)");
}

TEST_F(ExplainTest, RolesThatTheOrganizationDefined) {
  send("cms", "user:ann", "CreateOrganization", R"({"name":"Cms","rulebook":"flotiq"})");
  send("cms", "user:ann", "CreateSpace", R"({"space":"blog","name":"Blog"})");
  send("cms", "user:ann", "DefineSpaceRole",
       R"({"role":"Writer","actions":["resource.read:media"]})");
  send("cms", "user:ann", "AddMember",
       R"({"user":"bob","role":"ORG_USER","space":"blog","space_roles":["Writer"]})");
  send("cms", "user:ann", "AddMember", R"({"user":"zoe","role":"ORG_USER"})");
  EXPECT_EQ(check({"cms", "blog", "bob", "resource.read:media", ""}), R"(yes
- flotiq@1 Writer held directly has resource.read:media [0:3 AddMember user:ann]
- bob is a member as ORG_USER [0:3 AddMember user:ann]
- space role Writer is defined as resource.read:media [0:2 DefineSpaceRole user:ann]
)");
  EXPECT_EQ(check({"cms", "blog", "bob", "resource.delete:media", ""}), R"(no
- flotiq@1 ORG_USER, Writer has no resource.delete:media
- Writer held directly in blog [0:3 AddMember user:ann]
- bob is a member as ORG_USER [0:3 AddMember user:ann]
- space role Writer is defined as resource.read:media [0:2 DefineSpaceRole user:ann]
> ChangeRole bob to ORG_ADMIN: ORG_ADMIN
> ChangeAccess of bob to access without a role in blog: ORG_ADMIN
)");
  EXPECT_EQ(check({"cms", "blog", "zoe", "resource.delete:media", ""}), R"(no
- flotiq@1 ORG_USER sees a space only with access to it, and zoe has none to blog
- zoe is a member as ORG_USER [0:4 AddMember user:ann]
> ChangeRole zoe to ORG_ADMIN: ORG_ADMIN
> GrantAccess to zoe: access without a role in blog: ORG_ADMIN
)");
}

TEST_F(ExplainTest, Guests) {
  send("cloud", "user:ann", "CreateOrganization", R"({"name":"Cloud","rulebook":"upcloud"})");
  send("cloud", "user:ann", "CreateSpace", R"({"space":"w","name":"W"})");
  send("cloud", "user:ann", "InviteMember",
       R"({"invitation":"i","user":"gus","space":"w","space_roles":["VIEWER"]})");
  send("cloud", "user:gus", "AcceptInvitation", R"({"invitation":"i"})");
  EXPECT_EQ(check({"cloud", "w", "gus", "resource.read:server", ""}), R"(yes
- upcloud@1 VIEWER held directly has resource.read:server [0:3 AcceptInvitation user:gus]
)");
  EXPECT_EQ(check({"cloud", "w", "gus", "resource.delete:server", ""}), R"(no
- upcloud@1 guest, VIEWER has no resource.delete:server
- VIEWER held directly in w [0:3 AcceptInvitation user:gus]
> InviteMember gus as OWNER: OWNER
> InviteMember gus as ADMIN: OWNER, ADMIN
> ChangeAccess of gus to ADMIN in w: OWNER, ADMIN, space role ADMIN
> ChangeAccess of gus to EDITOR in w: OWNER, ADMIN, space role ADMIN
)");
  EXPECT_EQ(check({"cloud", "", "gus", "member.add", ""}), R"(no
- upcloud@1 guest has no member.add
> InviteMember gus as OWNER: OWNER
> InviteMember gus as ADMIN: OWNER, ADMIN
)");
  EXPECT_EQ(check({"cloud", "w", "zoe", "resource.read:server", ""}), R"(no
- zoe is not an active member of cloud, nor a guest in a space of it
> InviteMember zoe as OWNER: OWNER
> InviteMember zoe as ADMIN: OWNER, ADMIN
> InviteMember zoe: ADMIN in w: OWNER, ADMIN, space role ADMIN
> InviteMember zoe: EDITOR in w: OWNER, ADMIN, space role ADMIN
> InviteMember zoe: VIEWER in w: OWNER, ADMIN, space role ADMIN
)");
  EXPECT_EQ(decision(last()), R"(accepted
- who is invited answers
- invitation i to gus [0:2 InviteMember user:ann]
)");
}

TEST_F(ExplainTest, ARoleThatLacksTheActionAndWhoMayGiveOneThatHasIt) {
  make_shop();
  EXPECT_EQ(check({"shop", "", "eve", "member.add", ""}), R"(no
- space@1 EVALUATOR has no member.add
- eve is a member as EVALUATOR [0:2 AddMember user:ann]
> TransferOwnership to eve, who becomes OWNER: OWNER
> ChangeRole eve to ADMIN: OWNER, ADMIN
> ChangeRole eve to MANAGER: OWNER, ADMIN, MANAGER
)");
  EXPECT_EQ(check({"shop", "web", "eve", "resource.delete:service", ""}), R"(no
- space@1 EVALUATOR has no resource.delete:service
- eve is a member as EVALUATOR [0:2 AddMember user:ann]
> TransferOwnership to eve, who becomes OWNER: OWNER
> ChangeRole eve to ADMIN: OWNER, ADMIN
)");
  EXPECT_EQ(check({"shop", "", "eve", "payment.confirm", ""}), R"(no
- space@1 EVALUATOR has no payment.confirm
- eve is a member as EVALUATOR [0:2 AddMember user:ann]
> a service to which the action was given; no role has it
)");
  EXPECT_EQ(check({"shop", "", "eve", "fly", ""}), R"(no
- space@1 has no action fly
> name one of its actions, which tenure rulebook show lists
)");
  EXPECT_EQ(check({"shop", "attic", "eve", "resource.read:service", ""}), R"(no
- there is no space attic in shop
> CreateSpace attic: OWNER, ADMIN, MANAGER
)");
}

TEST_F(ExplainTest, StrangersSuspendedMembersAndWhatIsDeleted) {
  make_shop();
  send("shop", "user:ann", "SuspendMember", R"({"user":"bob"})");
  send("shop", "user:ann", "CreateSpace", R"({"space":"old","name":"Old"})");
  send("shop", "user:ann", "ArchiveSpace", R"({"space":"old"})");
  send("shop", "user:ann", "RenameSpace", R"({"space":"old","name":"Older"})");
  EXPECT_EQ(check({"shop", "", "mallory", "member.add", ""}), R"(no
- mallory is not an active member of shop, nor a guest in a space of it
> AddMember mallory as ADMIN: OWNER, ADMIN
> AddMember mallory as MANAGER: OWNER, ADMIN, MANAGER
)");
  EXPECT_EQ(check({"shop", "", "bob", "member.add", ""}), R"(no
- bob is suspended in shop, and denied everywhere [0:4 SuspendMember user:ann]
- bob is a member as MANAGER [0:1 AddMember user:ann]
> ReinstateMember bob: OWNER
)");
  EXPECT_EQ(check({"shop", "", "bob", "member.add", ""}, "bob"), R"(no
- bob is suspended in shop, and denied everywhere [0:4 SuspendMember]
- bob is a member as MANAGER [0:1 AddMember]
> ReinstateMember bob: OWNER
)");
  EXPECT_EQ(check({"shop", "old", "ann", "resource.create:service", ""}), R"(yes
- space@1 OWNER has resource.create:service [0:0 CreateOrganization user:ann]
! space old is archived: changes to its resources, access, usage and plan are refused until it is restored [0:6 ArchiveSpace user:ann]
)");
  send("shop", "user:ann", "DeleteSpace", R"({"space":"old","confirm":true})");
  open();
  EXPECT_EQ(check({"shop", "old", "ann", "resource.create:service", ""}), R"(no
- space old is deleted [0:8 DeleteSpace user:ann]
> RestoreSpace old, within 30 days: OWNER, ADMIN
)");
  send("shop", "user:ann", "DeleteOrganization", R"({"confirm":true})");
  open();
  EXPECT_EQ(check({"shop", "", "ann", "member.add", ""}), R"(no
- shop is deleted [0:9 DeleteOrganization user:ann]
> RestoreOrganization, within 30 days: OWNER
)");
  EXPECT_EQ(check({"nowhere", "", "ann", "member.add", ""}), R"(no
- ann is not an active member of nowhere
> ask somebody who belongs there to be added or invited
)");
}

TEST_F(ExplainTest, WhoSeesNothingIsToldTheSameWhetherItIsThereOrNot) {
  make_lab();
  send("lab", "user:root", "CreateSpace", R"({"space":"attic","name":"Attic"})");
  const auto renamed = [](std::string text, const std::string& name) {
    for (size_t at; (at = text.find(name)) != std::string::npos;)
      text.replace(at, name.size(), "X");
    return text;
  };
  EXPECT_EQ(renamed(check({"lab", "attic", "bob", "resource.read:job", ""}, "bob"), "attic"),
            renamed(check({"lab", "cellar", "bob", "resource.read:job", ""}, "bob"), "cellar"));
  EXPECT_EQ(renamed(check({"lab", "", "zoe", "member.add", ""}, "zoe"), "lab"),
            renamed(check({"nowhere", "", "zoe", "member.add", ""}, "zoe"), "nowhere"));
  // And of others nothing at all.
  EXPECT_TRUE(check({"lab", "", "root", "member.add", ""}, "bob").starts_with("error: "));
}

TEST_F(ExplainTest, OneWhoMayNotSeeThePeopleHearsNotWhoGaveIt) {
  make_lab();
  EXPECT_EQ(check({"lab", "web", "bob", "resource.read:job", ""}, "bob"), R"(yes
- anaphora@1 Readonly held directly has resource.read:job [0:5 GrantAccess]
- anaphora@1 ReadWrite of group:ops has resource.read:job [0:6 GrantAccess]
- member of group:ops [0:4 AddToGroup]
- bob is a member as USER [0:1 AddMember]
)");
}

// A command with a reason, sealed as OpenBoxes opens it.
std::vector<uint8_t> with_reason(const std::string& org, const std::string& actor,
                                 const std::string& reason) {
  flatbuffers::FlatBufferBuilder b;
  const std::vector<uint8_t> box(reason.begin(), reason.end());
  const auto command = schema::CreateAddMemberDirect(b, "dan", "USER").Union();
  const auto sealed = schema::CreateSealedDirect(b, nullptr, actor.c_str(), &box);
  b.Finish(schema::CreateCommandEnvelopeDirect(b, "with-reason", org.c_str(), actor.c_str(),
                                               schema::Command::AddMember, command,
                                               flatbuffers::nullopt, sealed),
           schema::CommandEnvelopeIdentifier());
  return {b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()};
}

TEST_F(ExplainTest, ReasonsAreShownToAuditorsAndToWhoeverWroteThem) {
  make_lab();
  world_.apply(with_reason("lab", "user:root", "new hire"));
  const CheckRequest question{"lab", "", "dan", "organization.view", ""};
  EXPECT_EQ(check(question), R"(yes
- anaphora@1 USER has organization.view [0:7 AddMember user:root: new hire]
)");
  EXPECT_EQ(check(question, "root"), check(question));
  EXPECT_EQ(check(question, "dan"), R"(yes
- anaphora@1 USER has organization.view [0:7 AddMember]
)");
}

TEST_F(ExplainTest, ThePastIsExplainedByWhatHeldThen) {
  make_shop();
  send("shop", "user:ann", "ChangeRole", R"({"user":"eve","role":"MANAGER"})");
  open();
  auto past = as_of(*view_, world_.log(), kPartition, "shop", uint64_t{4});
  ASSERT_TRUE(past) << past.error().message;
  QueryContext then = as("");
  const QueryContext before{.rows = *past->rows,
                            .rulebooks = then.rulebooks,
                            .viewer = {},
                            .now = past->time,
                            .live_rows = view_.get()};
  const CheckRequest question{"shop", "", "eve", "member.add", ""};
  EXPECT_EQ(told(explain_check(before, sources(), question)).substr(0, 2), "no");
  EXPECT_EQ(check(question).substr(0, 3), "yes");
}

}  // namespace
}  // namespace tenure::test
