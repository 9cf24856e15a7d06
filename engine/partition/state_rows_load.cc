#include <algorithm>
#include <cstring>

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
    if (organization_.rulebook == nullptr) return damaged(organization_);
    switch (key.kind) {
      case RowKind::kOrganization:
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

  Result<Space*> find_space(const RowKeyParts& key) const {
    const auto found = organization_.spaces.find(key.first);
    if (found == organization_.spaces.end()) return damaged(organization_);
    return &found->second;
  }

  Result<void> organization() {
    const auto* row = TRY(read<schema::OrganizationRow>());
    organization_.name = row->name()->str();
    organization_.rulebook = rulebooks_.find(row->rulebook()->string_view());
    if (organization_.rulebook == nullptr) {
      return unknown("rulebook", row->rulebook()->string_view());
    }
    organization_.version = row->version();
    organization_.billing_mode = row->billing_mode()->str();
    organization_.currency = row->currency()->str();
    stored_.next = {row->next_number()};
    stored_.exists = true;
    return {};
  }

  Result<void> member(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::MemberRow>());
    const auto role = organization_.rulebook->organization_role(row->role()->string_view());
    if (!role) return unknown("role", row->role()->string_view());
    organization_.members.try_emplace(UserId(key.first), Member{*role});
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
    organization_.spaces[SpaceId(key.first)].name = row->name()->str();
    return {};
  }

  Result<void> access(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::AccessRow>());
    Space* space = TRY(find_space(key));
    AccessRoles& roles = space->access[Subject(key.rest)];
    for (const flatbuffers::String* name : *row->roles()) {
      const auto role = organization_.rulebook->space_role(name->string_view());
      if (!role) return unknown("space role", name->string_view());
      roles.push_back(*role);
    }
    return {};
  }

  Result<void> resource(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::ResourceRow>());
    Space* space = TRY(find_space(key));
    const auto type = organization_.rulebook->resource_type(row->type()->string_view());
    if (!type) return unknown("resource type", row->type()->string_view());
    space->resources.try_emplace(ResourceId(key.rest),
                                 Resource{*type, row->version(), row->deleted()});
    return {};
  }

  Result<void> meter(RowKeyParts key) {
    const auto* row = TRY(read<schema::MeterRow>());
    Space* space = TRY(find_space(key));
    const auto month = key.take<Month>();
    if (!month) return damaged(organization_);
    space->counters.emplace(std::pair(*month, std::string(key.rest)),
                            Counter{row->used(), static_cast<uint8_t>(row->crossed_percent())});
    return {};
  }

  Result<void> subscription(const RowKeyParts& key) {
    const auto* row = TRY(read<schema::SubscriptionRow>());
    Space* space = TRY(find_space(key));
    const auto status = std::ranges::find(kSubscriptionStatusNames, row->status()->string_view());
    if (status == std::end(kSubscriptionStatusNames)) {
      return unknown("subscription status", row->status()->string_view());
    }
    Subscription& held = space->subscription;
    held.status = static_cast<SubscriptionStatus>(status - kSubscriptionStatusNames);
    held.terms = PlanTerms::copy_of(*row->terms());
    held.period_from = from_micros(row->period_from());
    held.period_to = from_micros(row->period_to());
    if (row->pending_terms() != nullptr && row->pending_checkout() != nullptr) {
      held.pending = Pending{PlanTerms::copy_of(*row->pending_terms()),
                             CheckoutId(row->pending_checkout()->string_view()),
                             from_micros(row->pending_expires())};
    }
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
