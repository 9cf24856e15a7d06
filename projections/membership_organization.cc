// The membership model: organizations and the rules of their own.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "engine/domain/rulebook.h"
#include "projections/membership_reductions.h"

namespace tenure::membership {
namespace {

// What an organization's row is to say; texts are copied.
struct NewOrganization {
  std::string_view name, rulebook, billing_mode, currency;
  int64_t created;
  std::string_view status = kActive;
  int64_t deleted = 0;
  flatbuffers::Optional<uint64_t> rules_number = flatbuffers::nullopt;
  flatbuffers::Optional<uint64_t> status_number = flatbuffers::nullopt;
  flatbuffers::Optional<int64_t> clock = flatbuffers::nullopt;
  bool guests = false;
};

NewOrganization as_before(const schema::OrganizationRow& row) {
  return {.name = row.name()->string_view(),
          .rulebook = row.rulebook()->string_view(),
          .billing_mode = row.billing_mode()->string_view(),
          .currency = row.currency()->string_view(),
          .created = row.created(),
          .status = row.status()->string_view(),
          .deleted = row.deleted(),
          .rules_number = row.rules_number(),
          .status_number = row.status_number(),
          .clock = row.clock(),
          .guests = row.guests()};
}

const schema::OrganizationRow* get_organization(Reduction& in) {
  return in.rows.get<schema::OrganizationRow>(kFamily, in.keys.organization());
}

// From the row, or from the event that configured it.
template <class Source>
flatbuffers::Offset<schema::ConfigureSso> copy_sso(Reduction& in, const Source* sso) {
  if (sso == nullptr) return 0;
  auto issuer = in.builder.CreateString(sso->issuer());
  auto client_id = in.builder.CreateString(sso->client_id());
  auto domains = copy_texts(in, sso->domains());
  return schema::CreateConfigureSso(in.builder, issuer, client_id, domains, sso->enforced());
}

// Strings are made one by one: the order in which arguments are evaluated, and so the bytes, would
// be the compiler's choice.
template <class Sso>
void put_organization(Reduction& in, const NewOrganization& organization, const Sso* sso) {
  auto& fbb = in.builder;
  auto text = [&](std::string_view text) { return fbb.CreateString(text.data(), text.size()); };
  auto name = text(organization.name);
  auto rulebook = text(organization.rulebook);
  auto billing_mode = text(organization.billing_mode);
  auto currency = text(organization.currency);
  auto status = text(organization.status);
  auto sign_in = copy_sso(in, sso);
  schema::OrganizationRowBuilder row(fbb);
  row.add_name(name);
  row.add_rulebook(rulebook);
  row.add_version(in.version);
  row.add_billing_mode(billing_mode);
  row.add_currency(currency);
  row.add_created(organization.created);
  row.add_status(status);
  row.add_deleted(organization.deleted);
  row.add_sso(sign_in);
  if (organization.rules_number) row.add_rules_number(*organization.rules_number);
  if (organization.status_number) row.add_status_number(*organization.status_number);
  if (organization.clock) row.add_clock(*organization.clock);
  row.add_guests(organization.guests);
  in.put(kFamily, in.keys.organization(), row.Finish());
}

// What an organization's RulebookRow says: the adopted text, and the roles it defined.
struct OwnRules {
  std::string text;
  struct Role {
    std::string name;
    std::vector<std::string> actions;
    uint64_t number;
  };
  std::vector<Role> roles;
};

OwnRules get_rules(Reduction& in) {
  OwnRules rules;
  const auto* row = in.rows.get<schema::RulebookRow>(kFamily, in.keys.rulebook());
  if (row == nullptr) return rules;
  if (row->text() != nullptr) rules.text = row->text()->str();
  for (const schema::CustomSpaceRole* role : *row->space_roles()) {
    OwnRules::Role& held = rules.roles.emplace_back();
    held.name = role->role()->str();
    for (const auto* action : *role->actions()) held.actions.push_back(action->str());
    held.number = role->number();
  }
  return rules;
}

// Writes them, and in the organization's row which rulebook they are beside and since when.
void put_rules(Reduction& in, const OwnRules& rules, std::string_view pinned) {
  const schema::OrganizationRow* row = get_organization(in);
  if (row == nullptr) return;
  NewOrganization organization = as_before(*row);
  if (!pinned.empty()) organization.rulebook = pinned;
  const bool any = !rules.text.empty() || !rules.roles.empty();
  organization.rules_number = flatbuffers::nullopt;
  if (any) organization.rules_number = in.number;
  put_organization(in, organization, row->sso());
  if (!any) return in.rows.erase(kFamily, in.keys.rulebook());
  auto& fbb = in.builder;
  std::vector<flatbuffers::Offset<schema::CustomSpaceRole>> roles;
  for (const OwnRules::Role& role : rules.roles) {
    auto name = fbb.CreateString(role.name);
    auto actions = fbb.CreateVectorOfStrings(role.actions);
    roles.push_back(schema::CreateCustomSpaceRole(fbb, name, actions, role.number));
  }
  auto text = rules.text.empty() ? 0 : fbb.CreateString(rules.text);
  in.put(kFamily, in.keys.rulebook(),
         schema::CreateRulebookRow(fbb, text, fbb.CreateVector(roles)));
}

void change_organization_status(Reduction& in, std::string_view status, int64_t deleted) {
  const schema::OrganizationRow* row = get_organization(in);
  if (row == nullptr) return;
  NewOrganization organization = as_before(*row);
  organization.status = status;
  organization.deleted = deleted;
  organization.status_number = in.number;
  put_organization(in, organization, row->sso());
}

}  // namespace

void organization_created(Reduction& in, const schema::OrganizationCreated& event) {
  const schema::ConfigureSso* none = nullptr;
  NewOrganization organization{.name = event.name()->string_view(),
                               .rulebook = event.rulebook()->string_view(),
                               .billing_mode = event.billing_mode()->string_view(),
                               .currency = event.currency()->string_view(),
                               .created = in.time};
  if (event.sandbox().value_or(false)) organization.clock = in.time;
  put_organization(in, organization, none);
}

void organization_renamed(Reduction& in, const schema::OrganizationRenamed& event) {
  const schema::OrganizationRow* row = get_organization(in);
  if (row == nullptr) return;
  NewOrganization organization = as_before(*row);
  organization.name = event.name()->string_view();
  put_organization(in, organization, row->sso());
}

void billing_mode_changed(Reduction& in, const schema::BillingModeChanged& event) {
  const schema::OrganizationRow* row = get_organization(in);
  if (row == nullptr) return;
  NewOrganization organization = as_before(*row);
  organization.billing_mode = event.billing_mode()->string_view();
  put_organization(in, organization, row->sso());
}

void clock_advanced(Reduction& in, const schema::ClockAdvanced& event) {
  const schema::OrganizationRow* row = get_organization(in);
  if (row == nullptr) return;
  NewOrganization organization = as_before(*row);
  organization.clock = event.to();
  put_organization(in, organization, row->sso());
}

void organization_deleted(Reduction& in, const schema::OrganizationDeleted&) {
  change_organization_status(in, "deleted", in.time);
}

void organization_restored(Reduction& in, const schema::OrganizationRestored&) {
  change_organization_status(in, kActive, 0);
}

void note_guest(Reduction& in) {
  const schema::OrganizationRow* row = get_organization(in);
  if (row == nullptr || row->guests()) return;
  NewOrganization organization = as_before(*row);
  organization.guests = true;
  put_organization(in, organization, row->sso());
}

void sso_configured(Reduction& in, const schema::SsoConfigured& event) {
  if (const auto* row = get_organization(in)) put_organization(in, as_before(*row), &event);
}

void sso_removed(Reduction& in, const schema::SsoRemoved&) {
  const schema::ConfigureSso* none = nullptr;
  if (const auto* row = get_organization(in)) put_organization(in, as_before(*row), none);
}

// The space roles that the organization defined stay, as far as the new rulebook lets them: what
// holds is composed as the engine composes it (keeping_space_roles).
void rulebook_adopted(Reduction& in, const schema::RulebookAdopted& event) {
  OwnRules rules = get_rules(in);
  const bool is_text = Rulebooks::is_text(event.rulebook()->string_view());
  rules.text = is_text ? event.rulebook()->str() : std::string();
  put_rules(in, rules, event.pinned()->string_view());
}

void space_role_defined(Reduction& in, const schema::SpaceRoleDefined& event) {
  OwnRules rules = get_rules(in);
  auto held = std::ranges::find(rules.roles, event.role()->string_view(), &OwnRules::Role::name);
  if (held == rules.roles.end()) {
    held = rules.roles.insert(held, OwnRules::Role{event.role()->str(), {}, 0});
  }
  held->actions.clear();
  for (const auto* action : *event.actions()) held->actions.push_back(action->str());
  held->number = in.number;
  put_rules(in, rules, {});
}

void space_role_deleted(Reduction& in, const schema::SpaceRoleDeleted& event) {
  OwnRules rules = get_rules(in);
  std::erase_if(rules.roles, [&](const OwnRules::Role& role) {
    return role.name == event.role()->string_view();
  });
  put_rules(in, rules, {});
}

}  // namespace tenure::membership

namespace tenure {

void raise_version(Reduction& in) {
  if (const auto* row = membership::get_organization(in))
    membership::put_organization(in, membership::as_before(*row), row->sso());
}

}  // namespace tenure
