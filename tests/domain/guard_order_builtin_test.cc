// The guard order on the built-in rulebooks: commands whose guards look at invitations, at the
// rules themselves, at copies, and at the life of spaces and organizations. Ladders, as in
// guard_order_test.cc: each rung mends the first thing that was refused.
#include "tests/domain/script.h"

namespace tenure {
namespace {

const std::string kStale = R"("expected_version":1,)";

class GuardOrderOf : public testing::Test {
 protected:
  void make(const char* actor, const char* type, const std::string& command) {
    ASSERT_EQ(script.send(actor, type, command), "accepted")
        << type << command << script.last().rejection()->message()->str();
  }
  // One that is refused leaves the organization as it was.
  std::string send(const char* actor, const char* type, const std::string& command,
                   const std::string& envelope = {}) {
    return script.send(actor, type, command, envelope);
  }

  Script script;
};

// ann owns, adm is ADMIN, mia MEMBER; gus is a guest in `w`, of which he is VIEWER.
class GuardOrderOfInvitations : public GuardOrderOf {
 protected:
  GuardOrderOfInvitations() {
    make("user:ann", "CreateOrganization", R"({"name":"Cloud","rulebook":"upcloud"})");
    make("user:ann", "CreateSpace", R"({"space":"w","name":"W"})");
    make("user:ann", "CreateSpace", R"({"space":"v","name":"V"})");
    for (const auto& [user, role] : {std::pair("adm", "ADMIN"), std::pair("mia", "MEMBER")}) {
      const std::string id(user);
      make("user:ann", "InviteMember",
           R"({"invitation":"of-)" + id + R"(","user":")" + id + R"(","role":")" + role + R"("})");
      make(("user:" + id).c_str(), "AcceptInvitation", R"({"invitation":"of-)" + id + R"("})");
    }
    make("user:ann", "InviteMember",
         R"({"invitation":"of-gus","user":"gus","space":"w","space_roles":["VIEWER"]})");
    make("user:gus", "AcceptInvitation", R"({"invitation":"of-gus"})");
  }
};

TEST_F(GuardOrderOfInvitations, InviteMember) {
  const auto invite = [&](const char* actor, const char* command, const std::string& more = {}) {
    return send(actor, "InviteMember", command, more);
  };
  EXPECT_EQ(invite("nobody", R"({"invitation":"a b","user":"x y"})", kStale), "invalid_id");
  EXPECT_EQ(invite("user:mia", R"({"invitation":"a b","user":"x y"})", kStale), "invalid_id");
  EXPECT_EQ(invite("user:mia", R"({"invitation":"i","user":"x y"})", kStale), "invalid_id");
  EXPECT_EQ(invite("user:mia", R"({"invitation":"i","user":"mia","email":"m"})", kStale),
            "malformed");
  EXPECT_EQ(invite("user:mia", R"({"invitation":"i","user":"mia"})", kStale), "invalid_value");
  EXPECT_EQ(invite("user:mia", R"({"invitation":"i","user":"mia","role":"X"})", kStale),
            "version_conflict");
  EXPECT_EQ(invite("user:stranger", R"({"invitation":"i","user":"mia","role":"X"})"),
            "not_a_member");
  EXPECT_EQ(invite("user:mia", R"({"invitation":"i","user":"mia","role":"X"})"), "forbidden");
  EXPECT_EQ(invite("user:adm", R"({"invitation":"i","user":"mia","role":"X"})"), "unknown_role");
  EXPECT_EQ(invite("user:adm", R"({"invitation":"i","user":"mia","role":"OWNER"})"),
            "role_not_assignable");
  EXPECT_EQ(invite("user:adm", R"({"invitation":"i","user":"mia","role":"MEMBER"})"),
            "already_member");
  EXPECT_EQ(invite("user:adm", R"({"invitation":"i","user":"new","role":"MEMBER"})"), "accepted");
  EXPECT_EQ(invite("user:adm", R"({"invitation":"i","user":"other","role":"MEMBER"})"),
            "already_exists");
}

TEST_F(GuardOrderOfInvitations, InviteMemberToASpace) {
  const auto invite = [&](const char* actor, const char* space, const char* user,
                          const char* level) {
    return send(actor, "InviteMember",
                R"({"invitation":"i","user":")" + std::string(user) + R"(","space":")" + space +
                    R"(","space_roles":[")" + level + R"("]})");
  };
  EXPECT_EQ(invite("user:gus", "v", "gus", "X"), "forbidden");        // not open to him
  EXPECT_EQ(invite("user:gus", "nowhere", "gus", "X"), "forbidden");  // nor is what is not there
  EXPECT_EQ(invite("user:gus", "w", "gus", "X"), "forbidden");        // lacks access.manage
  EXPECT_EQ(invite("user:adm", "nowhere", "gus", "X"), "unknown_role");
  EXPECT_EQ(invite("user:adm", "nowhere", "gus", "EDITOR"), "not_found");
  EXPECT_EQ(invite("user:adm", "w", "gus", "EDITOR"), "already_exists");
  make("user:ann", "ArchiveSpace", R"({"space":"w"})");
  EXPECT_EQ(invite("user:adm", "w", "gus", "EDITOR"), "already_exists");
  EXPECT_EQ(invite("user:adm", "w", "new", "EDITOR"), "space_archived");
  EXPECT_EQ(invite("user:adm", "v", "new", "EDITOR"), "accepted");
}

TEST_F(GuardOrderOfInvitations, AcceptAndDecline) {
  make("user:adm", "InviteMember", R"({"invitation":"i","user":"new","role":"ADMIN"})");
  make("user:ann", "InviteMember",
       R"({"invitation":"short","user":"new2","role":"MEMBER","expires_in_s":60})");
  for (const char* type : {"AcceptInvitation", "DeclineInvitation"}) {
    EXPECT_EQ(send("user:new", type, R"({"invitation":"a b"})", kStale), "invalid_id");
    EXPECT_EQ(send("user:new", type, R"({"invitation":"i"})", kStale), "version_conflict");
    EXPECT_EQ(send("user:stranger", type, R"({"invitation":"i"})"), "not_a_member");
    EXPECT_EQ(send("user:mia", type, R"({"invitation":"i"})"), "not_found");  // not hers
    EXPECT_EQ(send("user:new", type, R"({"invitation":"none"})"), "not_found");
  }
  make("user:ann", "ChangeRole", R"({"user":"adm","role":"MEMBER"})");
  EXPECT_EQ(send("user:new", "AcceptInvitation", R"({"invitation":"i"})"),
            "inviter_lacks_authority");
  script.now += std::chrono::minutes(2);
  EXPECT_EQ(send("user:new2", "AcceptInvitation", R"({"invitation":"short"})"),
            "invitation_expired");
  script.now += std::chrono::days(8);  // expired before its sender is looked at
  EXPECT_EQ(send("user:new", "AcceptInvitation", R"({"invitation":"i"})"), "invitation_expired");
  make("user:ann", "InviteMember", R"({"invitation":"k","user":"new","role":"MEMBER"})");
  EXPECT_EQ(send("user:new", "AcceptInvitation", R"({"invitation":"k"})"), "accepted");
}

TEST_F(GuardOrderOfInvitations, RevokeInvitation) {
  make("user:ann", "InviteMember", R"({"invitation":"i","user":"new","role":"OWNER"})");
  const auto revoke = [&](const char* actor, const char* id, const std::string& more = {}) {
    return send(actor, "RevokeInvitation", R"({"invitation":")" + std::string(id) + R"("})", more);
  };
  EXPECT_EQ(revoke("user:mia", "a b", kStale), "invalid_id");
  EXPECT_EQ(revoke("user:mia", "none", kStale), "version_conflict");
  EXPECT_EQ(revoke("user:stranger", "none"), "not_a_member");
  EXPECT_EQ(revoke("user:mia", "none"), "forbidden");
  EXPECT_EQ(revoke("user:mia", "i"), "forbidden");
  EXPECT_EQ(revoke("user:adm", "none"), "not_found");
  EXPECT_EQ(revoke("user:adm", "i"), "role_not_assignable");
  EXPECT_EQ(revoke("user:ann", "i"), "accepted");
  EXPECT_EQ(revoke("user:ann", "i"), "not_found");
}

TEST_F(GuardOrderOfInvitations, LeaveSpace) {
  EXPECT_EQ(send("user:gus", "LeaveSpace", R"({"space":"a b"})", kStale), "invalid_id");
  EXPECT_EQ(send("user:gus", "LeaveSpace", R"({"space":"v"})", kStale), "version_conflict");
  EXPECT_EQ(send("user:stranger", "LeaveSpace", R"({"space":"w"})"), "not_a_member");
  EXPECT_EQ(send("user:gus", "LeaveSpace", R"({"space":"v"})"), "forbidden");
  EXPECT_EQ(send("user:ann", "LeaveSpace", R"({"space":"nowhere"})"), "not_found");
  EXPECT_EQ(send("user:adm", "LeaveSpace", R"({"space":"w"})"), "not_found");  // only inherited
  EXPECT_EQ(send("user:gus", "LeaveSpace", R"({"space":"w"})"), "accepted");
  EXPECT_EQ(send("user:gus", "LeaveSpace", R"({"space":"w"})"), "not_a_member");
}

// ada is ORG_ADMIN, ben an ORG_USER with access to `news` alone, in which he reads media.
class GuardOrderOfCopies : public GuardOrderOf {
 protected:
  GuardOrderOfCopies() {
    make("user:ada", "CreateOrganization", R"({"name":"Cms","rulebook":"flotiq"})");
    for (const char* space : {"news", "shop", "old"}) {
      make("user:ada", "CreateSpace", R"({"space":")" + std::string(space) + R"(","name":"S"})");
    }
    make("user:ada", "DefineSpaceRole", R"({"role":"Reader","actions":["resource.read:media"]})");
    make("user:ada", "AddMember",
         R"({"user":"ben","role":"ORG_USER","space":"news","space_roles":["Reader"]})");
    make("user:ada", "CreateResource", R"({"space":"news","type":"media","resource":"logo"})");
    make("user:ada", "CreateResource", R"({"space":"news","type":"api_key","resource":"key"})");
    make("user:ada", "ArchiveSpace", R"({"space":"old"})");
  }
};

TEST_F(GuardOrderOfCopies, CopyResources) {
  const auto copy = [&](const char* actor, const char* from, const char* to, const char* id,
                        const std::string& more = {}) {
    return send(actor, "CopyResources",
                R"({"from":")" + std::string(from) + R"(","to":")" + to +
                    R"(","resources":[{"resource":")" + id + R"("}]})",
                more);
  };
  EXPECT_EQ(copy("user:ben", "a b", "shop", "none", kStale), "invalid_id");
  EXPECT_EQ(copy("user:ben", "news", "a b", "none", kStale), "invalid_id");
  EXPECT_EQ(copy("user:ben", "news", "news", "none", kStale), "invalid_value");
  EXPECT_EQ(copy("user:ben", "news", "shop", "none", kStale), "version_conflict");
  EXPECT_EQ(copy("user:stranger", "news", "shop", "none"), "not_a_member");
  EXPECT_EQ(copy("user:ben", "nowhere", "shop", "none"), "forbidden");
  EXPECT_EQ(copy("user:ben", "news", "shop", "none"), "forbidden");  // where it is to go
  make("user:ada", "GrantAccess", R"({"space":"shop","subject":"user:ben","roles":["Reader"]})");
  EXPECT_EQ(copy("user:ben", "news", "shop", "none"), "forbidden");  // may put nothing there
  EXPECT_EQ(copy("user:ada", "nowhere", "shop", "none"), "not_found");
  EXPECT_EQ(copy("user:ada", "news", "nowhere", "none"), "not_found");
  EXPECT_EQ(copy("user:ada", "news", "old", "none"), "not_found");
  EXPECT_EQ(copy("user:ada", "news", "old", "key"), "invalid_value");  // not copyable
  EXPECT_EQ(copy("user:ada", "news", "old", "logo"), "space_archived");
  EXPECT_EQ(copy("user:ada", "news", "shop", "logo"), "accepted");
  EXPECT_EQ(copy("user:ada", "news", "shop", "logo"), "nothing_to_do");
}

TEST_F(GuardOrderOfCopies, ImportSpace) {
  const auto import = [&](const char* actor, const char* space, const char* type, const char* id,
                          const std::string& more = {}) {
    return send(actor, "ImportSpace",
                R"({"space":")" + std::string(space) + R"(","resources":[{"type":")" + type +
                    R"(","resource":")" + id + R"("}]})",
                more);
  };
  EXPECT_EQ(import("user:ben", "a b", "X", "new", kStale), "invalid_id");
  EXPECT_EQ(import("user:ben", "shop", "X", "a b", kStale), "invalid_id");
  EXPECT_EQ(import("user:ben", "shop", "X", "new", kStale), "version_conflict");
  EXPECT_EQ(import("user:stranger", "shop", "X", "new"), "not_a_member");
  EXPECT_EQ(import("user:ben", "shop", "X", "new"), "forbidden");  // not open to him
  EXPECT_EQ(import("user:ben", "news", "X", "new"), "forbidden");  // may put nothing there
  EXPECT_EQ(import("user:ada", "nowhere", "media", "new"), "not_found");
  EXPECT_EQ(import("user:ada", "old", "X", "new"), "unknown_type");
  EXPECT_EQ(import("user:ada", "old", "media", "new"), "space_archived");
  EXPECT_EQ(import("user:ada", "news", "media", "key"), "invalid_value");  // of another type
  EXPECT_EQ(import("user:ada", "news", "media", "new"), "accepted");
  EXPECT_EQ(import("user:ada", "news", "media", "new"), "nothing_to_do");
}

TEST_F(GuardOrderOfCopies, DefineAndDeleteSpaceRole) {
  const auto define = [&](const char* actor, const char* role, const char* action,
                          const std::string& more = {}) {
    return send(actor, "DefineSpaceRole",
                R"({"role":")" + std::string(role) + R"(","actions":[")" + action + R"("]})", more);
  };
  EXPECT_EQ(define("user:ben", "a b", "fly", kStale), "invalid_id");
  EXPECT_EQ(define("user:ben", "Reader", "fly", kStale), "version_conflict");
  EXPECT_EQ(define("user:stranger", "Reader", "fly"), "not_a_member");
  EXPECT_EQ(define("user:ben", "Reader", "fly"), "forbidden");
  EXPECT_EQ(define("user:ada", "Reader", "member.add"), "unknown_action");
  EXPECT_EQ(define("user:ada", "Reader", "resource.read:media"), "nothing_to_do");
  EXPECT_EQ(define("user:ada", "Other", "resource.read:media"), "accepted");

  const auto remove = [&](const char* actor, const char* role, const std::string& more = {}) {
    return send(actor, "DeleteSpaceRole", R"({"role":")" + std::string(role) + R"("})", more);
  };
  EXPECT_EQ(remove("user:ben", "a b", kStale), "invalid_id");
  EXPECT_EQ(remove("user:ben", "none", kStale), "version_conflict");
  EXPECT_EQ(remove("user:stranger", "none"), "not_a_member");
  EXPECT_EQ(remove("user:ben", "none"), "forbidden");
  EXPECT_EQ(remove("user:ada", "none"), "not_found");
  EXPECT_EQ(remove("user:ada", "Reader"), "role_in_use");
  EXPECT_EQ(remove("user:ada", "Other"), "accepted");
}

// ann owns, adm is ADMIN, bob MANAGER, in an organization with the space `web`.
class GuardOrderOfLifecycles : public GuardOrderOf {
 protected:
  GuardOrderOfLifecycles() {
    make("user:ann", "CreateOrganization", R"({"name":"Shop","rulebook":"space"})");
    make("user:ann", "AddMember", R"({"user":"adm","role":"ADMIN"})");
    make("user:ann", "AddMember", R"({"user":"bob","role":"MANAGER"})");
    make("user:ann", "CreateSpace", R"({"space":"web","name":"Web"})");
  }
};

TEST_F(GuardOrderOfLifecycles, ArchiveDeleteAndRestoreSpace) {
  for (const char* type : {"ArchiveSpace", "DeleteSpace", "RestoreSpace"}) {
    EXPECT_EQ(send("user:bob", type, R"({"space":"a b"})", kStale), "invalid_id") << type;
    EXPECT_EQ(send("user:bob", type, R"({"space":"none"})", kStale), "version_conflict") << type;
    EXPECT_EQ(send("user:stranger", type, R"({"space":"none"})"), "not_a_member") << type;
    EXPECT_EQ(send("user:bob", type, R"({"space":"none"})"), "forbidden") << type;
    EXPECT_EQ(send("user:adm", type, R"({"space":"none"})"), "not_found") << type;
  }
  EXPECT_EQ(send("user:adm", "RestoreSpace", R"({"space":"web"})"), "nothing_to_do");
  EXPECT_EQ(send("user:adm", "ArchiveSpace", R"({"space":"web"})"), "accepted");
  EXPECT_EQ(send("user:adm", "ArchiveSpace", R"({"space":"web"})"), "nothing_to_do");
  EXPECT_EQ(send("user:adm", "DeleteSpace", R"({"space":"web"})"), "confirmation_required");
  EXPECT_EQ(send("user:adm", "DeleteSpace", R"({"space":"web","confirm":true})"), "accepted");
  EXPECT_EQ(send("user:adm", "DeleteSpace", R"({"space":"web"})"), "not_found");
  EXPECT_EQ(send("user:adm", "ArchiveSpace", R"({"space":"web"})"), "not_found");
  EXPECT_EQ(send("user:bob", "RestoreSpace", R"({"space":"web"})"), "forbidden");
  EXPECT_EQ(send("user:adm", "RestoreSpace", R"({"space":"web"})"), "accepted");
}

TEST_F(GuardOrderOfLifecycles, DeleteAndRestoreOrganization) {
  EXPECT_EQ(send("nobody", "DeleteOrganization", "{}", kStale), "invalid_id");
  EXPECT_EQ(send("user:adm", "DeleteOrganization", "{}", kStale), "version_conflict");
  EXPECT_EQ(send("user:stranger", "DeleteOrganization", "{}"), "not_a_member");
  EXPECT_EQ(send("user:adm", "DeleteOrganization", "{}"), "forbidden");
  EXPECT_EQ(send("user:adm", "RestoreOrganization", "{}"), "forbidden");
  EXPECT_EQ(send("user:ann", "DeleteOrganization", "{}"), "confirmation_required");
  EXPECT_EQ(send("user:ann", "RestoreOrganization", "{}"), "nothing_to_do");
  EXPECT_EQ(send("user:ann", "DeleteOrganization", R"({"confirm":true})"), "accepted");
  EXPECT_EQ(send("user:ann", "RenameOrganization", R"({"name":"New"})"), "not_a_member");
  EXPECT_EQ(send("user:ann", "DeleteOrganization", R"({"confirm":true})"), "not_a_member");
  EXPECT_EQ(send("user:stranger", "RestoreOrganization", "{}"), "not_a_member");
  EXPECT_EQ(send("user:adm", "RestoreOrganization", "{}"), "forbidden");
  EXPECT_EQ(send("user:ann", "RestoreOrganization", "{}"), "accepted");
}

TEST_F(GuardOrderOfLifecycles, AdoptRulebook) {
  const auto adopt = [&](const char* actor, const char* command, const std::string& more = {}) {
    return send(actor, "AdoptRulebook", command, more);
  };
  EXPECT_EQ(adopt("nobody", R"({"rulebook":"{"})", kStale), "invalid_id");
  EXPECT_EQ(adopt("user:bob", R"({"rulebook":"{"})", kStale), "invalid_rulebook");
  EXPECT_EQ(adopt("user:bob", R"({"rulebook":"anaphora"})", kStale), "version_conflict");
  EXPECT_EQ(adopt("user:stranger", R"({"rulebook":"anaphora"})"), "not_a_member");
  EXPECT_EQ(adopt("user:bob", R"({"rulebook":"anaphora"})"), "forbidden");  // lacks the action
  EXPECT_EQ(adopt("user:adm", R"({"rulebook":"anaphora"})"), "forbidden");  // is no owner
  EXPECT_EQ(adopt("user:ann", R"({"rulebook":"anaphora"})"), "last_owner");
  EXPECT_EQ(adopt("user:ann", R"({"rulebook":"anaphora","map":{"OWNER":"SYSTEM_ADMIN"}})"),
            "role_in_use");
  EXPECT_EQ(adopt("user:ann", R"({"rulebook":"space"})"), "nothing_to_do");
  EXPECT_EQ(adopt("user:ann", R"({"rulebook":"anaphora","map":{"OWNER":"SYSTEM_ADMIN",)"
                              R"("ADMIN":"SYSTEM_ADMIN","MANAGER":"USER"}})"),
            "accepted");
}

}  // namespace
}  // namespace tenure
