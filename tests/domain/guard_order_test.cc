// The guard order of the rules. Each ladder starts with a command that is wrong in every way; each
// rung mends the first thing that was refused, so the next guard answers.
#include <gmock/gmock.h>

#include <algorithm>

#include "engine/rulebooks/builtin.h"
#include "tests/domain/script.h"

namespace tenure {
namespace {

// CHIEF owns; LEAD may give HAND, which may do more than LEAD, and is given TOP, which it may not
// give; TOP outranks LEAD. The same among the space roles.
constexpr const char* kOdd = R"({
  "name": "odd", "version": 3, "owner_role": "CHIEF", "joins": ["direct"],
  "members_may_leave": true, "default_plan": "free", "resource_types": [{"name": "thing"}],
  "organization_roles": [
    {"name": "CHIEF",
     "actions": ["organization.view", "organization.rename", "organization.transfer", "member.view",
       "member.add", "member.change_role", "member.remove", "group.manage", "space.view",
       "space.create", "space.rename", "access.manage", "plan.change"],
     "inherits_space_role": "Chief",
     "assigns": ["CHIEF", "TOP", "LEAD", "HAND", "NONE"],
     "acts_on": ["CHIEF", "TOP", "LEAD", "HAND", "NONE"]},
    {"name": "TOP", "actions": ["organization.view"]},
    {"name": "LEAD",
     "actions": ["organization.view", "member.add", "member.change_role", "member.remove",
       "access.manage", "group.manage"],
     "assigns": ["CHIEF", "LEAD", "HAND", "NONE"], "acts_on": ["LEAD", "HAND", "NONE"]},
    {"name": "HAND", "actions": ["organization.view", "space.view", "organization.rename"]},
    {"name": "NONE", "actions": ["organization.view"]}
  ],
  "space_roles": [
    {"name": "Chief", "actions": ["space.view", "resource.read:*", "resource.create:*",
      "resource.delete:*"], "assigns": ["Chief", "Worker", "Reader"],
      "acts_on": ["Chief", "Worker", "Reader"]},
    {"name": "Worker", "actions": ["space.view", "resource.read:*", "resource.create:*"]},
    {"name": "Reader", "actions": ["space.view", "resource.read:*"],
      "assigns": ["Worker", "Reader"], "acts_on": ["Reader"]}
  ]
})";

const Rulebooks& odd_rulebooks() {
  static const Rulebooks rulebooks = [] {
    Rulebooks all;
    all.add(load_rulebook(kOdd).value());
    return all;
  }();
  return rulebooks;
}

class GuardOrder : public testing::Test {
 protected:
  GuardOrder() : script(odd_rulebooks()) {
    make("CreateOrganization", R"({"name":"Odd","rulebook":"odd"})");
    for (const char* member :
         {R"({"user":"top","role":"TOP"})", R"({"user":"lead","role":"LEAD"})",
          R"({"user":"none","role":"NONE"})", R"({"user":"hand","role":"HAND"})"}) {
      make("AddMember", member);
    }
    make("CreateSpace", R"({"space":"s","name":"S"})");
    make("CreateSpace", R"({"space":"hidden","name":"H"})");
    make("CreateGroup", R"({"group":"g","name":"G"})");
    make("GrantAccess", R"({"space":"s","subject":"user:lead","roles":["Reader"]})");
  }

  void make(const char* type, const std::string& command) {
    ASSERT_EQ(script.send("user:chief", type, command), "accepted")
        << type << command << script.last().rejection()->message()->str();
  }

  Script script;
};

const std::string kStale = R"("expected_version":1,)";

TEST_F(GuardOrder, OfChangeRole) {
  const auto send = [&](const char* actor, const char* command, const std::string& envelope = {}) {
    return script.send(actor, "ChangeRole", command, envelope);
  };
  EXPECT_EQ(send("nobody", R"({"user":"a b","role":"X"})", kStale), "invalid_id");
  EXPECT_EQ(send("user:none", R"({"user":"a b","role":"X"})", kStale), "invalid_id");
  EXPECT_EQ(send("user:none", R"({"user":"gone","role":"X"})", kStale), "version_conflict");
  EXPECT_EQ(send("user:stranger", R"({"user":"gone","role":"X"})"), "not_a_member");
  EXPECT_EQ(send("user:none", R"({"user":"gone","role":"X"})"), "forbidden");
  EXPECT_EQ(send("user:lead", R"({"user":"gone","role":"X"})"), "unknown_role");
  EXPECT_EQ(send("user:lead", R"({"user":"gone","role":"TOP"})"), "not_found");
  EXPECT_EQ(send("user:lead", R"({"user":"top","role":"TOP"})"), "target_outranks_actor");
  EXPECT_EQ(send("user:lead", R"({"user":"none","role":"TOP"})"), "role_not_assignable");
  EXPECT_EQ(send("user:lead", R"({"user":"hand","role":"HAND"})"), "escalation");
  EXPECT_EQ(send("user:lead", R"({"user":"lead","role":"CHIEF"})"), "escalation");
  EXPECT_EQ(send("user:chief", R"({"user":"chief","role":"TOP"})"), "last_owner");
  EXPECT_EQ(send("user:lead", R"({"user":"none","role":"NONE"})"), "nothing_to_do");
  EXPECT_EQ(send("user:lead", R"({"user":"lead","role":"NONE"})"), "accepted");
}

TEST_F(GuardOrder, OfAddMemberWithAccess) {
  const auto send = [&](const char* actor, const char* command, const std::string& envelope = {}) {
    return script.send(actor, "AddMember", command, envelope);
  };
  EXPECT_EQ(send("user:none", R"({"user":"a b","role":"X","name":"Ben"})", kStale), "invalid_id");
  EXPECT_EQ(send("user:none", R"({"user":"top","role":"X","name":"Ben"})", kStale), "malformed");
  EXPECT_EQ(send("user:none", R"({"user":"top","role":"X","space_roles":["Y"]})", kStale),
            "invalid_value");
  EXPECT_EQ(send("user:none", R"({"user":"top","role":"X"})", kStale), "version_conflict");
  EXPECT_EQ(send("user:stranger", R"({"user":"top","role":"X"})"), "not_a_member");
  EXPECT_EQ(send("user:none", R"({"user":"top","role":"X"})"), "forbidden");
  EXPECT_EQ(send("user:lead", R"({"user":"top","role":"X"})"), "unknown_role");
  EXPECT_EQ(send("user:lead", R"({"user":"top","role":"TOP"})"), "role_not_assignable");
  EXPECT_EQ(send("user:lead", R"({"user":"top","role":"HAND"})"), "escalation");
  const auto with = [](const char* space, const char* role) {
    return R"({"user":"top","role":"NONE","space":")" + std::string(space) +
           R"(","space_roles":[")" + role + R"("]})";
  };
  EXPECT_EQ(send("user:lead", with("hidden", "X").c_str()), "forbidden");
  EXPECT_EQ(send("user:lead", with("s", "X").c_str()), "unknown_role");
  EXPECT_EQ(send("user:chief", with("gone", "Chief").c_str()), "not_found");
  EXPECT_EQ(send("user:lead", with("s", "Chief").c_str()), "role_not_assignable");
  EXPECT_EQ(send("user:lead", with("s", "Worker").c_str()), "escalation");
  EXPECT_EQ(send("user:lead", with("s", "Reader").c_str()), "already_member");
}

TEST_F(GuardOrder, OfGrantAccess) {
  const auto send = [&](const char* actor, const char* command, const std::string& envelope = {}) {
    return script.send(actor, "GrantAccess", command, envelope);
  };
  EXPECT_EQ(send("user:top", R"({"space":"s","subject":"x","roles":["X"]})", kStale), "invalid_id");
  EXPECT_EQ(send("user:top", R"({"space":"s","subject":"user:x","roles":["X"]})", kStale),
            "version_conflict");
  EXPECT_EQ(send("user:stranger", R"({"space":"s","subject":"user:x","roles":["X"]})"),
            "not_a_member");
  EXPECT_EQ(send("user:lead", R"({"space":"hidden","subject":"user:x","roles":["X"]})"),
            "forbidden");
  EXPECT_EQ(send("user:hand", R"({"space":"gone","subject":"user:x","roles":["X"]})"), "forbidden");
  EXPECT_EQ(send("user:lead", R"({"space":"s","subject":"user:x","roles":["X"]})"), "unknown_role");
  EXPECT_EQ(send("user:chief", R"({"space":"gone","subject":"user:x","roles":["Chief"]})"),
            "not_found");
  EXPECT_EQ(send("user:lead", R"({"space":"s","subject":"user:x","roles":["Chief"]})"),
            "not_found");
  EXPECT_EQ(send("user:lead", R"({"space":"s","subject":"user:lead","roles":["Chief"]})"),
            "role_not_assignable");
  EXPECT_EQ(send("user:lead", R"({"space":"s","subject":"user:lead","roles":["Worker"]})"),
            "escalation");
  EXPECT_EQ(send("user:lead", R"({"space":"s","subject":"user:lead","roles":["Reader"]})"),
            "already_exists");
  EXPECT_EQ(send("user:lead", R"({"space":"s","subject":"user:top","roles":["Reader"]})"),
            "accepted");
  EXPECT_EQ(send("user:lead", R"({"space":"s","subject":"user:hand","roles":["Reader"]})"),
            "accepted");
  EXPECT_EQ(send("user:lead", R"({"space":"s","subject":"user:none","roles":["Worker"]})"),
            "escalation");
  EXPECT_EQ(send("user:lead", R"({"space":"s","subject":"user:none","roles":["Reader"]})"),
            "limit_exceeded");
}

TEST_F(GuardOrder, OfChangeAccessAndRevokeAccess) {
  make("GrantAccess", R"({"space":"s","subject":"user:top","roles":["Chief"]})");
  const auto change = [&](const char* subject, const char* role) {
    return script.send(
        "user:lead", "ChangeAccess",
        R"({"space":"s","subject":")" + std::string(subject) + R"(","roles":[")" + role + R"("]})");
  };
  EXPECT_EQ(change("user:none", "Chief"), "not_found");
  EXPECT_EQ(change("user:top", "Chief"), "target_outranks_actor");
  EXPECT_EQ(change("user:lead", "Chief"), "role_not_assignable");
  EXPECT_EQ(change("user:lead", "Worker"), "escalation");
  EXPECT_EQ(change("user:lead", "Reader"), "nothing_to_do");
  EXPECT_EQ(script.send("user:lead", "RevokeAccess", R"({"space":"s","subject":"user:top"})"),
            "target_outranks_actor");
}

TEST_F(GuardOrder, OfAddToGroup) {
  make("GrantAccess", R"({"space":"s","subject":"group:g","roles":["Worker"]})");
  const auto send = [&](const char* actor, const char* command) {
    return script.send(actor, "AddToGroup", command);
  };
  EXPECT_EQ(send("user:none", R"({"group":"gone","user":"gone"})"), "forbidden");
  EXPECT_EQ(send("user:lead", R"({"group":"gone","user":"gone"})"), "not_found");
  EXPECT_EQ(send("user:lead", R"({"group":"g","user":"gone"})"), "not_found");
  EXPECT_EQ(send("user:lead", R"({"group":"g","user":"none"})"), "escalation");
  EXPECT_EQ(send("user:chief", R"({"group":"g","user":"none"})"), "accepted");
  EXPECT_EQ(send("user:lead", R"({"group":"g","user":"none"})"), "escalation");
  EXPECT_EQ(send("user:chief", R"({"group":"g","user":"none"})"), "already_member");
  EXPECT_EQ(send("user:chief", R"({"group":"g","user":"top"})"), "accepted");
  EXPECT_EQ(send("user:chief", R"({"group":"g","user":"hand"})"), "limit_exceeded");
}

TEST_F(GuardOrder, OfCreateResource) {
  const auto send = [&](const char* actor, const std::string& command) {
    return script.send(actor, "CreateResource", command);
  };
  EXPECT_EQ(send("user:none", R"({"space":"s","type":"x","resource":"a b","links":["b b"]})"),
            "invalid_id");
  EXPECT_EQ(send("user:none", R"({"space":"s","type":"x","resource":"r","name":""})"),
            "invalid_value");
  EXPECT_EQ(send("user:stranger", R"({"space":"s","type":"x","resource":"r","links":["q"]})"),
            "not_a_member");
  EXPECT_EQ(send("user:none", R"({"space":"s","type":"x","resource":"r","links":["q"]})"),
            "forbidden");
  EXPECT_EQ(send("user:lead", R"({"space":"s","type":"x","resource":"r","links":["q"]})"),
            "forbidden");
  EXPECT_EQ(send("user:chief", R"({"space":"gone","type":"x","resource":"r","links":["q"]})"),
            "unknown_type");
  EXPECT_EQ(send("user:chief", R"({"space":"gone","type":"thing","resource":"r","links":["q"]})"),
            "not_found");
  EXPECT_EQ(send("user:chief", R"({"space":"s","type":"thing","resource":"r","links":["q"]})"),
            "not_found");
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(send("user:chief",
                   R"({"space":"s","type":"thing","resource":"r)" + std::to_string(i) + R"("})"),
              "accepted");
  }
  EXPECT_EQ(send("user:chief", R"({"space":"s","type":"thing","resource":"r1"})"),
            "already_exists");
  EXPECT_EQ(send("user:chief", R"({"space":"s","type":"thing","resource":"r"})"), "limit_exceeded");
}

TEST_F(GuardOrder, OfUpgradePlan) {
  const auto send = [&](const char* actor, const char* command, const std::string& envelope = {}) {
    return script.send(actor, "UpgradePlan", command, envelope);
  };
  EXPECT_EQ(send("user:none", R"({"space":"s s","plan":"gold"})", kStale), "invalid_id");
  EXPECT_EQ(send("user:none", R"({"space":"s","plan":"gold"})", kStale), "unknown_plan");
  EXPECT_EQ(send("user:none", R"({"space":"s","plan":"basic"})", kStale), "version_conflict");
  EXPECT_EQ(send("user:none", R"({"space":"gone","plan":"basic"})"), "forbidden");
  EXPECT_EQ(send("user:lead", R"({"space":"s","plan":"basic"})"), "forbidden");
  EXPECT_EQ(send("user:chief", R"({"space":"gone","plan":"basic"})"), "not_found");
  EXPECT_EQ(send("user:chief", R"({"space":"s","plan":"unmetered"})"), "invalid_value");
  EXPECT_EQ(send("user:chief", R"({"space":"s","plan":"basic"})"), "accepted");
  EXPECT_EQ(send("user:chief", R"({"space":"s","plan":"free"})"), "nothing_to_do");
  EXPECT_EQ(send("user:chief", R"({"space":"s","plan":"pro"})"), "payment_pending");
  EXPECT_EQ(send("user:chief", R"({"space":"s","plan":"unmetered"})"), "payment_pending");
}

TEST_F(GuardOrder, OfRemoveMemberAndLeaving) {
  const auto remove = [&](const char* actor, const char* user) {
    return script.send(actor, "RemoveMember", R"({"user":")" + std::string(user) + R"("})");
  };
  EXPECT_EQ(remove("user:none", "gone"), "forbidden");
  EXPECT_EQ(remove("user:lead", "gone"), "not_found");
  EXPECT_EQ(remove("user:lead", "chief"), "target_outranks_actor");
  EXPECT_EQ(remove("user:chief", "chief"), "last_owner");
  EXPECT_EQ(script.send("user:chief", "LeaveOrganization", "{}"), "last_owner");
  EXPECT_EQ(script.send("user:none", "LeaveOrganization", "{}"), "accepted");
}

TEST_F(GuardOrder, OfEraseSubject) {
  const auto erase = [&](const char* actor, const char* user, const std::string& envelope = {}) {
    return script.send(actor, "EraseSubject", R"({"user":")" + std::string(user) + R"("})",
                       envelope);
  };
  const std::string stale = R"("expected_version":77,)";
  EXPECT_EQ(erase("user:stranger", "service:admin", stale), "invalid_id");
  EXPECT_EQ(erase("user:stranger", "chief", stale), "version_conflict");
  EXPECT_EQ(erase("user:stranger", "chief"), "not_a_member");
  for (const char* nobody : {"user:chief", "user:lead", "user:none"}) {
    EXPECT_EQ(erase(nobody, "chief"), "forbidden") << nobody;
    EXPECT_EQ(erase(nobody, nobody + 5), "forbidden") << "not even oneself";
  }
  EXPECT_EQ(erase("service:admin", "chief"), "last_owner");
  EXPECT_EQ(erase("service:admin", "none"), "accepted");
  EXPECT_THAT(script.events(), testing::ElementsAre("SubjectErased", "MemberRemoved"));
  EXPECT_EQ(erase("service:admin", "none"), "accepted");
  EXPECT_THAT(script.events(), testing::ElementsAre("SubjectErased"));
}

// The event names the key that is destroyed, as the partition was told it.
TEST_F(GuardOrder, AnErasureNamesTheKeyOfThePerson) {
  flatbuffers::FlatBufferBuilder command;
  command.Finish(schema::CreateCommandEnvelopeDirect(
      command, "c", "acme", "service:admin", schema::Command::EraseSubject,
      schema::CreateEraseSubjectDirect(command, "none").Union()));
  const auto& envelope = envelope_of({command.GetBufferPointer(), command.GetSize()});
  for (const std::optional<PersonKeyName> name :
       {std::optional<PersonKeyName>(), std::optional<PersonKeyName>({1, 2, 3})}) {
    flatbuffers::FlatBufferBuilder builder;
    EventSink events(builder);
    ASSERT_TRUE(decide(&script.organization(), envelope,
                       {.now = script.now,
                        .rulebooks = test_rulebooks(),
                        .catalog = test_catalog(),
                        .person_key = name},
                       events));
    const auto* erased =
        flatbuffers::GetTemporaryPointer(builder, events.boxes().front())->event_as_SubjectErased();
    ASSERT_NE(erased, nullptr);
    EXPECT_EQ(erased->key_name() != nullptr, name.has_value());
    if (name) {
      EXPECT_TRUE(std::ranges::equal(*erased->key_name(), *name));
    }
  }
}

TEST_F(GuardOrder, DueWorkIsTheEnginesOwnAndNeverRefused) {
  const std::string expire = R"({"space":"s","checkout":"c"})";
  EXPECT_EQ(script.send("user:chief", "ExpireCheckout", expire), "forbidden");
  EXPECT_EQ(script.send("service:admin", "ExpireCheckout", expire), "forbidden");
  EXPECT_EQ(script.send("system", "ExpireCheckout", expire), "accepted");
  EXPECT_TRUE(script.events().empty());
  EXPECT_EQ(script.send("system", "RemoveMember", R"({"user":"none"})"), "forbidden");
}

TEST_F(GuardOrder, AnUnreadableMessageIsMalformedWhoeverSentIt) {
  const std::string message = R"({"why":"no JSON","sha256":"x"})";
  for (const char* actor : {"user:chief", "user:stranger", "service:_unknown", "nonsense"}) {
    EXPECT_EQ(script.send(actor, "UnreadableMessage", message, R"("expected_version":77,)"),
              "malformed");
    EXPECT_EQ(script.last().rejection()->message()->str(), "no JSON");
  }
}

TEST_F(GuardOrder, PersonalTextComesSealedOrNotAtAll) {
  const std::string add = R"({"user":"ben","role":"NONE"})";
  EXPECT_EQ(script.send("user:chief", "AddMember", add, R"("reason":"because",)"), "malformed");
  EXPECT_EQ(script.send("user:chief", "AddMember", R"({"user":"ben","role":"NONE","email":"b@c"})"),
            "malformed");

  const std::vector<uint8_t> bytes = {1, 2, 3};
  flatbuffers::FlatBufferBuilder builder;
  const auto sealed = schema::CreateSealedDirect(builder, nullptr, "ben", &bytes);
  const auto command = schema::CreateAddMemberDirect(builder, "ben", "NONE", sealed, sealed);
  builder.Finish(schema::CreateCommandEnvelopeDirect(builder, "c", "acme", "user:chief",
                                                     schema::Command::AddMember, command.Union(),
                                                     flatbuffers::nullopt, sealed));
  DomainMachine machine = script.machine();
  const schema::Decision& decision = machine.apply(
      {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()}, script.now);
  ASSERT_EQ(decision.outcome(), schema::Outcome::accepted);
  const schema::MemberAdded* added = decision.events()->Get(0)->event_as_MemberAdded();
  for (const schema::Sealed* copy : {added->name(), added->email()}) {
    ASSERT_NE(copy, nullptr);
    EXPECT_EQ(copy->clear(), nullptr);
    EXPECT_EQ(copy->subject()->str(), "ben");
    EXPECT_TRUE(std::ranges::equal(*copy->box(), bytes));
  }
}

}  // namespace
}  // namespace tenure
