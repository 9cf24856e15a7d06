#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"
#include "engine/domain/plans.h"

namespace tenure {
namespace {

// The owner named, or the actor, who must then be a person. Where none is named, nothing to check.
Guarded<std::string_view> first_owner(const Incoming& in,
                                      const schema::CreateOrganization& command) {
  if (command.owner() != nullptr) {
    TRY(valid_id("owner", command.owner()));
    return text(command.owner());
  }
  if (in.actor.kind == Actor::Kind::kUser) return in.actor.id;
  return reject(RejectionCode::invalid_value,
                "a service cannot own an organization; name a user as owner",
                "contract: the owner is a user");
}

Guarded<std::shared_ptr<const Rulebook>> known_rulebook(const Rulebooks& rulebooks,
                                                        std::string_view name) {
  if (auto rulebook = rulebooks.find(name)) return rulebook;
  return reject(
      RejectionCode::invalid_rulebook,
      "rulebook " + in_quotes(name) + " is unknown; the rulebooks are " + rulebooks.names(),
      "contract: rulebooks");
}

Guarded<std::string_view> sold_currency(const Catalog& catalog,
                                        const flatbuffers::String* currency) {
  if (currency == nullptr || text(currency) == catalog.currency()) return catalog.currency();
  return reject(RejectionCode::invalid_value,
                "currency " + in_quotes(text(currency)) + " has no prices; use " +
                    std::string(catalog.currency()),
                "catalog: currency");
}

Verdict is_confirmed(const Caller& caller, bool confirm) {
  if (confirm) return {};
  return reject(RejectionCode::confirmation_required,
                "this deletes the organization and all in it; send confirm: true to do so",
                rule_of(caller, "deleting needs confirmation"));
}

Verdict may_act_again(const Caller& caller, std::string_view user, const Member& member) {
  if (!member.suspended) return {};
  return reject(RejectionCode::suspended, in_quotes(user) + " is suspended; reinstate them first",
                rule_of(caller, "an owner can act"));
}

Verdict says_why(const Incoming& in) {
  if (in.envelope.reason() != nullptr) return {};
  return reject(RejectionCode::invalid_value, "recovering an ownership needs a reason; give one",
                "contract: RecoverOwnership says why");
}

Verdict valid_sso(const schema::ConfigureSso& command) {
  TRY(valid_name("client_id", command.client_id()));
  const std::string_view issuer = text(command.issuer());
  if (!is_valid_name(issuer) || !issuer.starts_with("https://")) {
    return reject(RejectionCode::invalid_value,
                  "issuer must be the https:// URL that the tokens name as iss",
                  "contract: ConfigureSso");
  }
  if (command.domains() == nullptr) return {};
  constexpr size_t kMaxDomains = 100;
  TRY(valid_size("domains", command.domains()->size(), kMaxDomains));
  for (const auto* domain : *command.domains()) TRY(valid_id("domains", domain));
  return {};
}

Verdict configures_something(const Caller& caller, const schema::ConfigureSso& command) {
  const std::optional<Sso>& held = caller.organization.sso;
  if (!held || held->issuer != text(command.issuer()) ||
      held->client_id != text(command.client_id()) || held->enforced != command.enforced()) {
    return {};
  }
  const size_t named = command.domains() == nullptr ? 0 : command.domains()->size();
  bool same = named == held->domains.size();
  for (uint32_t i = 0; same && i < named; ++i) {
    same = held->domains[i] == text(command.domains()->Get(i));
  }
  if (!same) return {};
  return reject(RejectionCode::nothing_to_do, "the sign-in is configured just so already",
                rule_of(caller, "a change changes something"));
}

// Whoever enforces a sign-in has shown that it works.
Verdict came_by(const Incoming& in, const Caller& caller, std::string_view issuer) {
  if (text(in.envelope.sign_in()) == issuer) return {};
  return reject(RejectionCode::sso_required,
                "sign in by " + in_quotes(issuer) + " before you enforce it, then send this again",
                rule_of(caller, "enforcing needs one successful sign-in"));
}

}  // namespace

Verdict decide(const Incoming& in, const schema::CreateOrganization& command, EventSink& events) {
  TRY(valid_name("name", command.name()));
  const auto rulebook = TRY(known_rulebook(in.context.rulebooks, text(command.rulebook())));
  const std::string_view owner = TRY(first_owner(in, command));
  const std::string_view billing_mode = TRY(known_billing_mode(command.billing_mode()));
  const std::string_view currency = TRY(sold_currency(in.context.catalog, command.currency()));
  TRY(at_expected_version(in));
  if (in.organization != nullptr) {
    return reject(
        RejectionCode::already_exists,
        "organization " + in_quotes(text(in.envelope.org())) + " exists; choose another id",
        "contract: ids are never reused");
  }

  auto& builder = events.builder();
  const auto owner_text = builder.CreateString(owner);
  const auto pinned = builder.CreateString(rulebook->pinned_name);
  const auto role = builder.CreateString(rulebook->organization_roles[rulebook->owner_role].name);
  events.add(schema::CreateOrganizationCreated(
      builder, builder.CreateString(command.name()), pinned, owner_text,
      builder.CreateString(billing_mode), builder.CreateString(currency), command.sandbox()));
  events.add(schema::CreateMemberAdded(builder, owner_text, role));
  return {};
}

Verdict decide(const Incoming& in, const schema::TransferOwnership& command, EventSink& events) {
  TRY(valid_id("to", command.to()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kOrganizationTransfer));
  TRY(holds_owner_role(caller, "hands over the ownership"));
  const Member* to = TRY(existing_member(caller, text(command.to())));
  if (to == caller.member) {
    return reject(RejectionCode::nothing_to_do, "you hold the ownership; name somebody else",
                  rule_of(caller, "general law 8: ownership goes to another member"));
  }
  TRY(may_act_again(caller, text(command.to()), *to));

  auto& builder = events.builder();
  const OrganizationRole& next_lower = caller.rulebook.organization_roles[caller.member->role + 1u];
  const auto from = builder.CreateString(caller.actor.id);
  events.add(schema::CreateOwnershipTransferred(builder, builder.CreateString(command.to()), from,
                                                builder.CreateString(next_lower.name)));
  return {};
}

// Where exactly one may own, the owner until now gets the next lower role; else nobody gives
// anything up, and the event names the new owner as the one it comes from.
Verdict decide(const Incoming& in, const schema::RecoverOwnership& command, EventSink& events) {
  TRY(valid_id("to", command.to()));
  TRY(says_why(in));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kOrganizationRecover));
  const Member* to = TRY(existing_member(caller, text(command.to())));
  const RoleIndex owner = caller.rulebook.owner_role;
  if (to->role == owner && !to->suspended) {
    return reject(RejectionCode::nothing_to_do,
                  in_quotes(text(command.to())) + " holds the ownership already",
                  rule_of(caller, "a change changes something"));
  }

  auto& builder = events.builder();
  const auto to_text = builder.CreateString(command.to());
  auto from = to_text;
  RoleIndex from_role = owner;
  if (caller.rulebook.single_owner && to->role != owner) {
    for (const auto& [user, member] : caller.organization.members) {
      if (member.role == owner) from = builder.CreateString(user.str());
    }
    from_role = owner + 1;
  }
  events.add(schema::CreateOwnershipTransferred(
      builder, to_text, from, builder.CreateString(caller.rulebook.role(from_role).name)));
  if (to->suspended) events.add(schema::CreateMemberReinstated(builder, to_text));
  return {};
}

Verdict decide(const Incoming& in, const schema::RenameOrganization& command, EventSink& events) {
  TRY(valid_name("name", command.name()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kOrganizationRename));
  if (caller.organization.name == text(command.name())) {
    return reject(RejectionCode::nothing_to_do, "that is its name already",
                  rule_of(caller, "a change changes something"));
  }
  auto& builder = events.builder();
  events.add(schema::CreateOrganizationRenamed(builder, builder.CreateString(command.name())));
  return {};
}

Verdict decide(const Incoming& in, const schema::DeleteOrganization& command, EventSink& events) {
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kOrganizationDelete));
  TRY(is_confirmed(caller, command.confirm()));
  const schema::Plan* after = TRY(default_plan(caller, in.context.catalog));

  auto& builder = events.builder();
  events.add(schema::CreateOrganizationDeleted(builder, true));
  std::set<std::string_view> ids;
  for (const auto& [id, space] : caller.organization.spaces) ids.insert(id.str());
  for (const std::string_view id : ids) {
    end_plan(in, id, caller.organization.spaces.find(id)->second, *after, events);
  }
  revoke_invitations(caller.organization, [](const Invitation&) { return true; }, events);
  return {};
}

Verdict decide(const Incoming& in, const schema::RestoreOrganization& command, EventSink& events) {
  const bool deleted = in.organization != nullptr && in.organization->deleted.has_value();
  const Caller caller = TRY(deleted ? admit_to_deleted(in) : admit(in));
  TRY(holds(caller, Action::kOrganizationDelete));
  if (!deleted) {
    return reject(RejectionCode::nothing_to_do, "the organization is not deleted",
                  rule_of(caller, "a change changes something"));
  }
  if (in.context.now >= *caller.organization.deleted + kRestorable) {
    return reject(RejectionCode::not_found,
                  "the organization was deleted more than 30 days ago; create another",
                  rule_of(caller, "what was deleted can be brought back for 30 days"));
  }
  auto& builder = events.builder();
  events.add(schema::CreateOrganizationRestored(builder, command.confirm()));
  return {};
}

Verdict decide(const Incoming& in, const schema::ConfigureSso& command, EventSink& events) {
  TRY(valid_sso(command));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kOrganizationSso));
  if (command.enforced()) TRY(came_by(in, caller, text(command.issuer())));
  TRY(configures_something(caller, command));

  auto& builder = events.builder();
  const auto issuer = builder.CreateString(command.issuer());
  const auto client_id = builder.CreateString(command.client_id());
  events.add(schema::CreateSsoConfigured(
      builder, issuer, client_id, copy_texts(builder, command.domains()), command.enforced()));
  return {};
}

// service:admin can always do this: nobody is locked out by an issuer that is gone.
Verdict decide(const Incoming& in, const schema::RemoveSso&, EventSink& events) {
  const Caller caller = TRY(admit(in));
  if (!is_admin(caller.actor)) TRY(holds(caller, Action::kOrganizationSso));
  if (!caller.organization.sso) {
    return reject(RejectionCode::nothing_to_do, "no sign-in is configured",
                  rule_of(caller, "a change changes something"));
  }
  events.add(schema::CreateSsoRemoved(events.builder()));
  return {};
}

}  // namespace tenure
