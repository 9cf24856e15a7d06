#include "engine/domain/decide_commands.h"

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

Guarded<std::string_view> known_billing_mode(const flatbuffers::String* mode) {
  if (mode == nullptr) return std::string_view("per_space");
  if (text(mode) == "per_space" || text(mode) == "consolidated") return text(mode);
  return reject(
      RejectionCode::invalid_value,
      "billing_mode " + in_quotes(text(mode)) + " is unknown; use per_space or consolidated",
      "contract: billing modes");
}

Guarded<std::string_view> sold_currency(const Catalog& catalog,
                                        const flatbuffers::String* currency) {
  if (currency == nullptr || text(currency) == catalog.currency()) return catalog.currency();
  return reject(RejectionCode::invalid_value,
                "currency " + in_quotes(text(currency)) + " has no prices; use " +
                    std::string(catalog.currency()),
                "catalog: currency");
}

Verdict holds_owner_role(const Caller& caller) {
  const RoleIndex owner = caller.rulebook.owner_role;
  if (caller.member->role == owner) return {};
  const std::string& name = caller.rulebook.organization_roles[owner].name;
  return reject(RejectionCode::forbidden, "only " + name + " hands over the ownership; ask one",
                rule_of(caller, "general law 8: the actor must hold " + name));
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
      builder.CreateString(billing_mode), builder.CreateString(currency)));
  events.add(schema::CreateMemberAdded(builder, owner_text, role));
  return {};
}

Verdict decide(const Incoming& in, const schema::TransferOwnership& command, EventSink& events) {
  TRY(valid_id("to", command.to()));
  const Caller caller = TRY(admit(in));
  TRY(holds(caller, Action::kOrganizationTransfer));
  TRY(holds_owner_role(caller));
  const Member* to = TRY(existing_member(caller, text(command.to())));
  if (to == caller.member) {
    return reject(RejectionCode::nothing_to_do, "you hold the ownership; name somebody else",
                  rule_of(caller, "general law 8: ownership goes to another member"));
  }

  auto& builder = events.builder();
  const OrganizationRole& next_lower = caller.rulebook.organization_roles[caller.member->role + 1u];
  const auto from = builder.CreateString(caller.actor.id);
  events.add(schema::CreateOwnershipTransferred(builder, builder.CreateString(command.to()), from,
                                                builder.CreateString(next_lower.name)));
  return {};
}

}  // namespace tenure
