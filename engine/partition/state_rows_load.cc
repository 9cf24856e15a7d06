#include <algorithm>
#include <cstring>

#include "engine/domain/billing_rows.h"
#include "engine/partition/row_key.h"
#include "engine/partition/state_rows.h"
#include "schemas/rows_generated.h"

namespace tenure {
namespace {

std::unexpected<Error> damaged(const Organization& organization) {
  return fail(ErrorKind::kCorrupt, "state store: a row of organization `" + organization.id.str() +
                                       "` is damaged; start again, it is rebuilt from the log");
}

std::unexpected<Error> unknown(std::string_view kind, std::string_view name) {
  return fail(ErrorKind::kUnsupported, "state store: unknown " + std::string(kind) + " `" +
                                           std::string(name) + "`; run the build that wrote it");
}

class RowLoader {
 public:
  RowLoader(StoredOrganization& stored, const Rulebooks& rulebooks, std::string_view value)
      : stored_(stored), organization_(stored.organization), rulebooks_(rulebooks), value_(value) {}

  Result<void> load(RowKeyParts key) {
    if (key.kind == RowKind::kOrganization) return organization();
    if (key.kind == RowKind::kRulebook && stored_.exists) return rulebook();
    if (organization_.rulebook == nullptr) return damaged(organization_);
    switch (key.kind) {
      case RowKind::kOrganization:
      case RowKind::kRulebook:
        break;
      case RowKind::kMember:
        return member(key);
      case RowKind::kGroup:
        return group(key);
      case RowKind::kGroupMember:
        return group_member(key);
      case RowKind::kSpace:
        return space(key);
      case RowKind::kAccess:
        return access(key);
      case RowKind::kResource:
        return resource(key);
      case RowKind::kMeter:
        return meter(key);
      case RowKind::kSubscription:
        return subscription(key);
      case RowKind::kUsageSeen:
        return usage_seen(key);
      case RowKind::kInvitation:
        return invitation(key);
      case RowKind::kApiKey:
        return api_key(key);
      case RowKind::kServiceGrant:
        return service_grant(key);
      case RowKind::kCredit:
        return credit(key);
      case RowKind::kInvoice:
        return invoice(key);
    }
    return damaged(organization_);
  }

 private:
  // Verified, because what is read here decides about people's access.
  template <class Row>
  Result<const Row*> read() const {
    const auto* bytes = reinterpret_cast<const uint8_t*>(value_.data());
    flatbuffers::Verifier verifier(bytes, value_.size());
    if (!verifier.VerifyBuffer<Row>(nullptr)) return damaged(organization_);
    return flatbuffers::GetRoot<Row>(bytes);
  }

  using Texts = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

  static std::vector<std::string> strings(const Texts* texts) {
    std::vector<std::string> strings;
    if (texts == nullptr) return strings;
    for (const auto* each : *texts) strings.push_back(each->str());
    return strings;
  }

  Result<AccessRoles> space_roles(const Texts& names) const {
    AccessRoles roles;
    for (const flatbuffers::String* name : names) {
      const auto role = organization_.rulebook->space_role(name->string_view());
      if (!role) return unknown("space role", name->string_view());
      roles.push_back(*role);
    }
    return roles;
  }

  Result<Space*> find_space(const RowKeyParts& key) const {
    const auto found = organization_.spaces.find(key.first);
    if (found == organization_.spaces.end()) return damaged(organization_);
    return &found->second;
  }

  Result<void> organization() {
    const auto* row = TRY(read<schema::OrganizationRow>());
    organization_.name = row->name()->str();
    organization_.rulebook = rulebooks_.find(row->rulebook()->string_view());
    if (organization_.rulebook == nullptr && !row->rules_number()) {
      return unknown("rulebook", row->rulebook()->string_view());
    }
    if (row->status()->string_view() == "deleted") {
      organization_.deleted = from_micros(row->deleted());
    }
    if (const schema::ConfigureSso* sso = row->sso()) {
      organization_.sso = Sso{.issuer = sso->issuer()->str(),
                              .client_id = sso->client_id()->str(),
                              .domains = strings(sso->domains()),
                              .enforced = sso->enforced()};
    }
    organization_.version = row->version();
    organization_.billing_mode = row->billing_mode()->str();
    organization_.currency = row->currency()->str();
    organization_.account = account_in(row->account());
    if (row->anchor()) organization_.anchor = from_micros(*row->anchor());
    organization_.next_invoice = row->next_invoice();
    organization_.next_credit_note = row->next_credit_note();
    if (row->clock()) organization_.clock = from_micros(*row->clock());
    stored_.next = {row->next_number()};
    stored_.exists = true;
    return {};
  }

  // Comes right after the organization's own row, before all that names a role.
  Result<void> rulebook() {
    const auto* row = TRY(read<schema::RulebookRow>());
    if (row->text() != nullptr) {
      const auto adopted = rulebooks_.adoptable(row->text()->string_view());
      if (!adopted) return unknown("rulebook", adopted.error().message);
      organization_.rulebook = *adopted;
      organization_.rulebook_text = row->text()->str();
    }
    if (row->adopted() != nullptr) {
      for (const schema::AdoptedText* each : *row->adopted()) {
        organization_.adopted.try_emplace(each->pinned()->str(),
                                          Fingerprint{each->high(), each->low()});
      }
    }
    if (organization_.rulebook == nullptr || row->space_roles() == nullptr) {
      return damaged(organization_);
    }
    for (const schema::CustomSpaceRole* role : *row->space_roles()) {
      ActionSet actions;
      for (const flatbuffers::String* name : *role->actions()) {
        if (!actions.add(name->string_view(), *organization_.rulebook)) {
          return unknown("action", name->string_view());
        }
      }
      organization_.rulebook =
          with_space_role(*organization_.rulebook, role->role()->string_view(), actions);
    }
    return {};
  }

  Result<void> invitation(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::InvitationRow>());
    Invitation held{.user = UserId(row->user()->string_view()),
                    .role = kNoRole,
                    .space = {},
                    .space_roles = {},
                    .expires = from_micros(row->expires()),
                    .inviter = row->inviter()->str(),
                    .expired = row->status()->string_view() == "expired"};
    if (row->role() != nullptr) {
      const auto role = organization_.rulebook->organization_role(row->role()->string_view());
      if (!role) return unknown("role", row->role()->string_view());
      held.role = *role;
    }
    if (row->space() != nullptr) held.space = SpaceId(row->space()->string_view());
    if (row->space_roles() != nullptr) {
      held.space_roles = TRY(space_roles(*row->space_roles()));
    }
    organization_.invitations.try_emplace(InvitationId(key.first), std::move(held));
    return {};
  }

  Result<void> member(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::MemberRow>());
    const auto role = organization_.rulebook->organization_role(row->role()->string_view());
    if (!role) return unknown("role", row->role()->string_view());
    organization_.members.try_emplace(
        UserId(key.first),
        Member{.role = *role, .suspended = row->status()->string_view() == "suspended"});
    return {};
  }

  Result<void> group(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::GroupRow>());
    organization_.groups.try_emplace(GroupId(key.first), Group{row->name()->str(), {}});
    return {};
  }

  Result<void> group_member(const RowKeyParts& key) {
    (void)TRY(read<schema::GroupMemberRow>());
    const auto found = organization_.groups.find(key.first);
    if (found == organization_.groups.end()) return damaged(organization_);
    found->second.users.emplace(key.rest);
    return {};
  }

  Result<void> space(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::SpaceRow>());
    const auto status = std::ranges::find(kSpaceStatusNames, row->status()->string_view());
    if (status == std::end(kSpaceStatusNames)) {
      return unknown("space status", row->status()->string_view());
    }
    Space& space = organization_.spaces[SpaceId(key.first)];
    space.name = row->name()->str();
    space.status = static_cast<SpaceStatus>(status - kSpaceStatusNames);
    space.deleted = from_micros(row->deleted());
    return {};
  }

  Result<void> access(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::AccessRow>());
    Space* space = TRY(find_space(key));
    space->access[Subject(key.rest)] = TRY(space_roles(*row->roles()));
    return {};
  }

  Result<void> resource(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::ResourceRow>());
    Space* space = TRY(find_space(key));
    const auto type = organization_.rulebook->resource_type(row->type()->string_view());
    // Of one that is deleted, only the version counts: its type may have gone since.
    if (!type && !row->deleted()) return unknown("resource type", row->type()->string_view());
    Resource held{.type = type.value_or(0),
                  .version = row->version(),
                  .deleted = row->deleted(),
                  .content = {row->content_high(), row->content_low()},
                  .links = {}};
    if (row->links() != nullptr) {
      for (const auto* link : *row->links()) held.links.emplace_back(link->string_view());
    }
    space->resources.try_emplace(ResourceId(key.rest), std::move(held));
    return {};
  }

  Result<void> meter(RowKeyParts key) {
    const auto* row = TRY(read<schema::MeterRow>());
    Space* space = TRY(find_space(key));
    const auto month = key.take<Month>();
    if (!month) return damaged(organization_);
    space->counters.emplace(std::pair(*month, std::string(key.rest)), counter_in(*row));
    return {};
  }

  Result<void> subscription(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::SubscriptionRow>());
    Space* space = TRY(find_space(key));
    if (!read_subscription(*row, *space)) {
      return unknown("subscription status", row->status()->string_view());
    }
    return {};
  }

  Result<void> credit(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::CreditRow>());
    Space* space = TRY(find_space(key));
    space->credits.try_emplace(GrantId(key.rest), grant_in(*row));
    return {};
  }

  Result<void> invoice(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::InvoiceRow>());
    organization_.invoices.try_emplace(InvoiceId(key.first), invoice_in(*row));
    return {};
  }

  Result<void> usage_seen(RowKeyParts key) {
    Space* space = TRY(find_space(key));
    const auto month = key.take<Month>();
    if (!month || value_.size() % sizeof(Fingerprint) != 0) return damaged(organization_);
    FingerprintSet& seen = space->usage_seen[*month];
    for (size_t at = 0; at < value_.size(); at += sizeof(Fingerprint)) {
      Fingerprint fingerprint;
      std::memcpy(&fingerprint, value_.data() + at, sizeof(fingerprint));
      seen.insert(fingerprint);
    }
    return {};
  }

  // Nobody else holds them while they are loaded.
  Services& services() {
    if (stored_.services == nullptr) {
      stored_.services = std::make_shared<Services>();
      organization_.services = stored_.services;
    }
    return *stored_.services;
  }

  Result<void> api_key(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::ApiKeyRow>());
    ApiKey held{
        .service = row->service()->str(), .hash = {}, .expires = {}, .revoked = row->revoked()};
    if (row->hash()->size() != held.hash.size()) return damaged(organization_);
    std::ranges::copy(*row->hash(), held.hash.begin());
    if (row->expires()) held.expires = from_micros(*row->expires());
    services().keys.emplace(key.first, std::move(held));
    return {};
  }

  Result<void> service_grant(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::ServiceGrantRow>());
    const size_t end = key.rest.find('\0');
    if (end == std::string_view::npos) return damaged(organization_);
    const GrantPlace place{std::string(key.rest.substr(0, end)),
                           std::string(key.rest.substr(end + 1))};
    services().granted[std::string(key.first)].grants[place] = {strings(row->actions()),
                                                                row->act_for_users()};
    return {};
  }

  StoredOrganization& stored_;
  Organization& organization_;
  const Rulebooks& rulebooks_;
  std::string_view value_;
};

}  // namespace

Result<void> load_row(StoredOrganization& stored, const Rulebooks& rulebooks, std::string_view key,
                      std::string_view value) {
  if (key.empty()) return damaged(stored.organization);
  const std::string aligned(value);  // tables are read in place, and need it
  return RowLoader(stored, rulebooks, aligned).load(RowKeyParts(key));
}

}  // namespace tenure
