#include "engine/partition/state_rows.h"

#include <xxhash.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/domain/billing_rows.h"
#include "engine/partition/row_key.h"
#include "schemas/rows_generated.h"

namespace tenure {
namespace {

using flatbuffers::FlatBufferBuilder;

using Texts = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

// Builds the row that a key names.
class RowEncoder {
 public:
  RowEncoder(const Organization& organization, Number next, RowChanges& out)
      : organization_(organization), next_(next), out_(out) {}

  void encode(std::string_view key) {
    const RowKeyParts parts(key);
    builder_.Clear();
    if (build(parts)) {
      out_.put(full(key),
               {reinterpret_cast<const char*>(builder_.GetBufferPointer()), builder_.GetSize()});
    } else {
      out_.remove(full(key));
    }
  }

  // `organization 0x00 key`, valid until the next call.
  std::string_view full(std::string_view key) {
    return full_key_.assign(organization_.id.str()).append(1, '\0').append(key);
  }

 private:
  bool build(const RowKeyParts& key) {
    switch (key.kind) {
      case RowKind::kOrganization:
        return organization();
      case RowKind::kRulebook:
        return rulebook();
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
      case RowKind::kUsageSeen:
        break;  // encode_rows gathers them
    }
    CHECK(false);
    return false;
  }

  auto text(std::string_view text) { return builder_.CreateString(text.data(), text.size()); }

  template <class Strings>
  flatbuffers::Offset<Texts> texts(const Strings& strings) {
    std::vector<flatbuffers::Offset<flatbuffers::String>> offsets;
    offsets.reserve(strings.size());
    for (const auto& each : strings) offsets.push_back(text(each));
    return builder_.CreateVector(offsets);
  }

  flatbuffers::Offset<Texts> space_role_names(const AccessRoles& roles) {
    std::vector<std::string_view> names;
    for (const RoleIndex role : roles) {
      names.push_back(organization_.rulebook->space_roles[role].name);
    }
    return texts(names);
  }

  flatbuffers::Offset<schema::ConfigureSso> sso() {
    if (!organization_.sso) return 0;
    const auto issuer = text(organization_.sso->issuer);
    const auto client_id = text(organization_.sso->client_id);
    const auto domains = texts(organization_.sso->domains);
    return schema::CreateConfigureSso(builder_, issuer, client_id, domains,
                                      organization_.sso->enforced);
  }

  bool organization() {
    const auto name = text(organization_.name);
    const auto pinned = text(organization_.rulebook->pinned_name);
    const auto billing_mode = text(organization_.billing_mode);
    const auto currency = text(organization_.currency);
    const auto status = text(organization_.deleted ? "deleted" : "active");
    const auto sign_in = sso();
    const int64_t deleted = organization_.deleted ? to_micros(*organization_.deleted) : 0;
    const auto account = account_row(builder_, organization_.account);
    const auto micros = [](const std::optional<Time>& time) {
      return time ? flatbuffers::Optional<int64_t>(to_micros(*time)) : flatbuffers::nullopt;
    };
    builder_.Finish(schema::CreateOrganizationRow(
        builder_, name, pinned, organization_.version, billing_mode, currency, 0, status,
        next_.value, deleted, sign_in, has_rulebook_row(), flatbuffers::nullopt, account,
        micros(organization_.anchor), organization_.next_invoice, organization_.next_credit_note,
        micros(organization_.clock)));
    return true;
  }

  flatbuffers::Optional<uint64_t> has_rulebook_row() const {
    const bool custom =
        std::ranges::any_of(organization_.rulebook->space_roles, &SpaceRole::custom);
    if (custom || !organization_.adopted.empty()) return 0;
    return flatbuffers::nullopt;
  }

  bool rulebook() {
    if (!has_rulebook_row()) return false;
    const Rulebook& book = *organization_.rulebook;
    std::vector<flatbuffers::Offset<schema::CustomSpaceRole>> roles;
    for (const SpaceRole& role : book.space_roles) {
      if (!role.custom) continue;
      const auto name = text(role.name);
      const auto actions = texts(action_names(role.actions, book));
      roles.push_back(schema::CreateCustomSpaceRole(builder_, name, actions));
    }
    const std::string& adopted = organization_.rulebook_text;
    const auto adopted_text = adopted.empty() ? 0 : text(adopted);
    std::vector<flatbuffers::Offset<schema::AdoptedText>> texts_adopted;
    texts_adopted.reserve(organization_.adopted.size());
    for (const auto& [name, of_text] : organization_.adopted) {
      texts_adopted.push_back(
          schema::CreateAdoptedText(builder_, text(name), of_text.high, of_text.low));
    }
    builder_.Finish(schema::CreateRulebookRow(builder_, adopted_text, builder_.CreateVector(roles),
                                              builder_.CreateVector(texts_adopted)));
    return true;
  }

  bool invitation(const RowKeyParts& key) {
    const auto found = organization_.invitations.find(key.first);
    if (found == organization_.invitations.end()) return false;
    const Invitation& held = found->second;
    const auto user = text(held.user);
    flatbuffers::Offset<flatbuffers::String> role, space;
    if (held.role != kNoRole) role = text(organization_.rulebook->role(held.role).name);
    if (!held.space.str().empty()) space = text(held.space);
    const auto roles = space_role_names(held.space_roles);
    const auto status = text(held.expired ? "expired" : "pending");
    const auto inviter = text(held.inviter);
    builder_.Finish(schema::CreateInvitationRow(builder_, user, role, space, roles,
                                                to_micros(held.expires), status, inviter));
    return true;
  }

  bool member(const RowKeyParts& key) {
    const auto found = organization_.members.find(key.first);
    if (found == organization_.members.end()) return false;
    const auto role = text(organization_.rulebook->role(found->second.role).name);
    const auto status = text(found->second.suspended ? "suspended" : "active");
    builder_.Finish(schema::CreateMemberRow(builder_, role, 0, status));
    return true;
  }

  bool group(const RowKeyParts& key) {
    const auto found = organization_.groups.find(key.first);
    if (found == organization_.groups.end()) return false;
    builder_.Finish(schema::CreateGroupRow(builder_, text(found->second.name)));
    return true;
  }

  bool group_member(const RowKeyParts& key) {
    const auto found = organization_.groups.find(key.first);
    if (found == organization_.groups.end() || !found->second.users.contains(key.rest)) {
      return false;
    }
    builder_.Finish(schema::CreateGroupMemberRow(builder_));
    return true;
  }

  const Space* find_space(const RowKeyParts& key) const {
    const auto found = organization_.spaces.find(key.first);
    return found == organization_.spaces.end() ? nullptr : &found->second;
  }

  bool space(const RowKeyParts& key) {
    const Space* space = find_space(key);
    if (space == nullptr) return false;
    const auto name = text(space->name);
    const auto status = text(kSpaceStatusNames[static_cast<size_t>(space->status)]);
    builder_.Finish(
        schema::CreateSpaceRow(builder_, name, status, 0, 0, to_micros(space->deleted)));
    return true;
  }

  bool access(const RowKeyParts& key) {
    const Space* space = find_space(key);
    if (space == nullptr) return false;
    const auto found = space->access.find(key.rest);
    if (found == space->access.end()) return false;
    builder_.Finish(schema::CreateAccessRow(builder_, space_role_names(found->second)));
    return true;
  }

  bool resource(const RowKeyParts& key) {
    const Space* space = find_space(key);
    if (space == nullptr) return false;
    const auto found = space->resources.find(key.rest);
    if (found == space->resources.end()) return false;
    const Resource& held = found->second;
    const auto type = text(organization_.rulebook->resource_types[held.type].name);
    const auto links = held.links.empty() ? 0 : texts(held.links);
    builder_.Finish(schema::CreateResourceRow(builder_, type, 0, links, 0, held.version,
                                              held.deleted, held.content.high, held.content.low));
    return true;
  }

  bool meter(RowKeyParts key) {
    const Space* space = find_space(key);
    if (space == nullptr) return false;
    const Month month = *key.take<Month>();
    const auto found = space->counters.find(std::pair(month, std::string(key.rest)));
    if (found == space->counters.end()) return false;
    builder_.Finish(meter_row(builder_, found->second));
    return true;
  }

  bool subscription(const RowKeyParts& key) {
    const Space* space = find_space(key);
    if (space == nullptr) return false;
    builder_.Finish(subscription_row(builder_, *space));
    return true;
  }

  bool credit(const RowKeyParts& key) {
    const Space* space = find_space(key);
    if (space == nullptr) return false;
    const auto found = space->credits.find(key.rest);
    if (found == space->credits.end()) return false;
    builder_.Finish(credit_row(builder_, found->second));
    return true;
  }

  bool invoice(const RowKeyParts& key) {
    const auto found = organization_.invoices.find(key.first);
    if (found == organization_.invoices.end()) return false;
    builder_.Finish(invoice_row(builder_, found->second));
    return true;
  }

  bool api_key(const RowKeyParts& key) {
    const Services* services = organization_.services.get();
    if (services == nullptr) return false;
    const auto found = services->keys.find(key.first);
    if (found == services->keys.end()) return false;
    const ApiKey& held = found->second;
    const auto service = text(held.service);
    const auto hash = builder_.CreateVector(held.hash.data(), held.hash.size());
    flatbuffers::Optional<int64_t> expires;
    if (held.expires) expires = to_micros(*held.expires);
    builder_.Finish(schema::CreateApiKeyRow(builder_, service, hash, expires, held.revoked));
    return true;
  }

  bool service_grant(const RowKeyParts& key) {
    const Service* service = find_service(organization_.services.get(), key.first);
    const size_t end = key.rest.find('\0');
    CHECK(end != std::string_view::npos);
    const ServiceGrant* held =
        service == nullptr ? nullptr
                           : service->find(key.rest.substr(0, end), key.rest.substr(end + 1));
    if (held == nullptr) return false;
    const auto actions = texts(held->actions);
    builder_.Finish(schema::CreateServiceGrantRow(builder_, actions, held->act_for_users));
    return true;
  }

  const Organization& organization_;
  const Number next_;
  RowChanges& out_;
  FlatBufferBuilder builder_;
  std::string full_key_;
};

// Writes the fingerprints of one month, which follow one another in `keys` from `at`, as one chunk;
// or the end of that month. Returns the index of the first key beyond them.
size_t encode_usage(const Organization& organization, const std::vector<std::string_view>& keys,
                    size_t at, uint64_t chunk, RowEncoder& encoder, RowChanges& out) {
  RowKeyParts head(keys[at]);
  const Month month = *head.take<Month>();
  const Space& space = organization.spaces.find(head.first)->second;
  const auto seen = space.usage_seen.find(month);
  std::string fingerprints;
  for (; at < keys.size(); at++) {
    RowKeyParts key(keys[at]);
    if (key.kind != RowKind::kUsageSeen || key.first != head.first || key.take<Month>() != month) {
      break;
    }
    if (key.rest.empty() || seen == space.usage_seen.end()) continue;
    const uint64_t high = *key.take<uint64_t>();
    const Fingerprint fingerprint{high, *key.take<uint64_t>()};
    if (!seen->second.contains(fingerprint)) continue;
    fingerprints.append(reinterpret_cast<const char*>(&fingerprint), sizeof(fingerprint));
  }
  RowKey month_key = RowKey(RowKind::kUsageSeen, head.first).separator().big_endian(month);
  if (seen == space.usage_seen.end()) {
    out.remove_prefix(encoder.full(month_key));
  } else if (!fingerprints.empty()) {
    out.put(encoder.full(month_key.big_endian(chunk)), fingerprints);
  }
  return at;
}

}  // namespace

void encode_rows(const Organization& organization, const TouchedRows& touched, uint64_t chunk,
                 Number next, RowChanges& out) {
  const std::vector<std::string_view> keys = touched.sorted();
  out.begin(organization.id.str());
  RowEncoder encoder(organization, next, out);
  for (size_t at = 0; at < keys.size();) {
    if (RowKeyParts(keys[at]).kind == RowKind::kUsageSeen) {
      at = encode_usage(organization, keys, at, chunk, encoder, out);
    } else {
      encoder.encode(keys[at++]);
    }
  }
}

uint64_t state_digest(const Organization& organization) {
  TouchedRows all;
  touch_all(organization, all);
  RowChanges rows;
  encode_rows(organization, all, 0, {}, rows);
  uint64_t digest = 1;
  for (const RowChanges::Change& row : rows.all()) {
    digest = XXH3_64bits_withSeed(row.key.data(), row.key.size(), digest);
    digest = XXH3_64bits_withSeed(row.value.data(), row.value.size(), digest);
  }
  return digest;
}

size_t estimate_memory(const Organization& organization) {
  // Node, key and value of a hash map's entry as libstdc++ lays them out, text of usual length.
  constexpr size_t kEntry = 100;
  size_t bytes =
      1024 + kEntry * (organization.members.size() + organization.groups_of.size() +
                       organization.spaces_of.size() + 4 * organization.invitations.size() +
                       2 * organization.invoices.size());
  if (organization.services != nullptr) {
    bytes += 2 * kEntry * organization.services->keys.size();
    for (const auto& [id, service] : organization.services->granted) {
      for (const auto& [place, grant] : service.grants) {
        bytes += 2 * kEntry + kEntry * grant.actions.size();
      }
    }
  }
  for (const auto& [id, group] : organization.groups) {
    bytes += 2 * kEntry + 2 * kEntry * group.users.size();
  }
  for (const auto& [id, space] : organization.spaces) {
    bytes +=
        1024 + kEntry * (2 * space.access.size() + space.resources.size() + space.counters.size() +
                         space.stretches.size() + space.periods.size() + space.credits.size());
    for (const auto& [resource, held] : space.resources) bytes += kEntry * held.links.size();
    for (const auto& [month, seen] : space.usage_seen) {
      bytes += kEntry + 2 * sizeof(Fingerprint) * seen.size();
    }
  }
  return bytes;
}

}  // namespace tenure
