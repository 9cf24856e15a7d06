// The keys of the read models, and the only code that makes or takes apart one.
//
// Ids are of [A-Za-z0-9._:-], so SEP (0x1f) is in none of them and sorts below them all: no id can
// reach out of its place, an organization's rows are one range, a space's rows are one range in
// it, and lists come in the order of ids. Numbers are big-endian, so that keys sort by them.
//
//   membership := org SEP                              OrganizationRow
//               | org SEP SEP "b" SEP                  RulebookRow, if it has anything of its own
//               | org SEP SEP "g" SEP group            GroupRow
//               | org SEP SEP "i" SEP invitation       InvitationRow
//               | org SEP SEP "j" SEP group SEP user   GroupMemberRow
//               | org SEP SEP "m" SEP user             MemberRow
//               | org SEP SEP "s" SEP subject SEP space   (empty)  spaces with a direct grant
//               | org SEP SEP "u" SEP user SEP invitation   (empty)  that the user can still answer
//               | org SEP space SEP                    SpaceRow
//               | org SEP space SEP "a" SEP subject    AccessRow
//               | org SEP space SEP "r" SEP resource   ResourceRow
//               | SEP user SEP org                     (empty)  where a user is or was a member,
//               guest or invited: look there
//   usage      := org SEP space SEP month:u32 meter    MeterRow
//   billing    := org SEP                              BillingRow, if it has anything to say
//               | org SEP space SEP                    SubscriptionRow
//               | org SEP space SEP "c" SEP grant      CreditRow
//               | org SEP space SEP "l" SEP number:u64 BillingLogRow
//               | org SEP SEP "d" SEP space            BillingDetailsSet, the last; no space: the
//               organization's
//               | org SEP SEP "n" SEP invoice:u64 note:u64   CreditNoteIssued
//               | org SEP SEP "v" SEP invoice:u64      InvoiceRow, as it was issued
//               | org SEP SEP "w" SEP invoice:u64      InvoiceRow, what became of it
//   history    := org SEP block:u48                    chunk
//               | SEP org SEP "h" inverted:u64         SnapshotRow, newest first
//               | SEP org SEP "l"                      SnapshotRow, the newest
//               | SEP org SEP "p" inverted:u64 piece:u32   SnapshotChunk
//   chunk      := (low:u16le count:u16le command:u32le (about:u32le){count}) ...
//               of the decisions block * 65,536 + low, rising: hashes of the command's id and of
//               each entity
//   inverted   := 2^64 - 1 - version
//   entity     := "user:" user | "service:" service | "group:" group | "space:" space
//               | "resource:" space "/" resource | "system"
//   position   := "position" partition:u32             ProjectorPositionRow (default family)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/ids.h"

namespace tenure {

// A key under construction: text without an allocation per part. Reused by clear().
class Key {
 public:
  static constexpr char kSeparator = '\x1f';

  Key() = default;
  explicit Key(std::string_view text) : text_(text) {}
  Key& clear() {
    text_.clear();
    return *this;
  }
  Key& raw(std::string_view text) {
    text_.append(text);
    return *this;
  }
  // One part, with the separator that closes it.
  Key& part(std::string_view text) {
    text_.append(text);
    text_.push_back(kSeparator);
    return *this;
  }
  Key& big_endian(uint64_t value, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) {
      text_.push_back(static_cast<char>(value >> shift));
    }
    return *this;
  }
  operator std::string_view() const { return text_; }
  const std::string& str() const { return text_; }

 private:
  std::string text_;
};

// Within one organization. Each call begins the key anew, so one Keys serves all.
class Keys {
 public:
  explicit Keys(std::string_view org) { org_.part(org); }

  // The prefix of every row of the organization: also its OrganizationRow's key.
  std::string_view organization() const { return org_; }
  const Key& rulebook() { return org_level("b"); }
  const Key& group(std::string_view group) { return org_level("g").raw(group); }
  const Key& invitation(std::string_view invitation) { return org_level("i").raw(invitation); }
  const Key& user_invitation(std::string_view user, std::string_view invitation) {
    return org_level("u").part(user).raw(invitation);
  }
  const Key& group_member(std::string_view group, std::string_view user) {
    return org_level("j").part(group).raw(user);
  }
  const Key& member(std::string_view user) { return org_level("m").raw(user); }
  const Key& subject_space(std::string_view subject, std::string_view space) {
    return org_level("s").part(subject).raw(space);
  }
  const Key& space(std::string_view space) { return in_space(space); }
  const Key& access(std::string_view space, std::string_view subject) {
    return in_space(space).part("a").raw(subject);
  }
  const Key& resource(std::string_view space, std::string_view resource) {
    return in_space(space).part("r").raw(resource);
  }
  const Key& meter(std::string_view space, uint32_t month, std::string_view meter) {
    return in_space(space).big_endian(month, 4).raw(meter);
  }
  const Key& subscription(std::string_view space) { return in_space(space); }
  const Key& credit(std::string_view space, std::string_view grant) {
    return in_space(space).part("c").raw(grant);
  }
  const Key& billing_log_entry(std::string_view space, uint64_t number) {
    return in_space(space).part("l").big_endian(number, 8);
  }
  // `space` empty: of the organization.
  const Key& billing_details(std::string_view space) { return org_level("d").raw(space); }
  const Key& credit_note(uint64_t invoice, uint64_t note) {
    return org_level("n").big_endian(invoice, 8).big_endian(note, 8);
  }
  const Key& invoice(uint64_t number) { return org_level("v").big_endian(number, 8); }
  const Key& invoice_state(uint64_t number) { return org_level("w").big_endian(number, 8); }
  // Outside the organization's range.
  const Key& user_organization(std::string_view user) {
    return key_.clear().part("").part(user).raw(organization().substr(0, org_.str().size() - 1));
  }
  const Key& history(uint64_t block) { return begin().big_endian(block, 6); }

  // Prefixes of lists.
  const Key& groups() { return org_level("g"); }
  const Key& group_members(std::string_view group) { return org_level("j").part(group); }
  const Key& members() { return org_level("m"); }
  const Key& invitations() { return org_level("i"); }
  const Key& user_invitations(std::string_view user) { return org_level("u").part(user); }
  const Key& meters(std::string_view space) { return in_space(space); }
  const Key& subject_spaces(std::string_view subject) { return org_level("s").part(subject); }
  const Key& accesses(std::string_view space) { return in_space(space).part("a"); }
  const Key& resources(std::string_view space) { return in_space(space).part("r"); }
  const Key& credits(std::string_view space) { return in_space(space).part("c"); }
  const Key& billing_log(std::string_view space) { return in_space(space).part("l"); }
  const Key& credit_notes(uint64_t invoice) { return org_level("n").big_endian(invoice, 8); }
  const Key& invoices() { return org_level("v"); }
  const Key& invoice_states() { return org_level("w"); }
  // The first key after every row of `space`: where the next space begins. "" : the first space.
  const Key& after_space(std::string_view space) {
    return begin().raw(space).raw(std::string_view("\x20", 1));
  }

 private:
  Key& begin() { return key_.clear().raw(org_); }
  Key& org_level(std::string_view kind) { return begin().part("").part(kind); }
  Key& in_space(std::string_view space) { return begin().part(space); }

  Key org_, key_;
};

// Rows outside any organization's range.
inline Key user_organizations_key(std::string_view user) {
  Key key;
  key.part("").part(user);
  return key;
}
inline Key snapshots_key(std::string_view org) { return Key().part("").part(org).raw("h"); }
inline Key snapshot_key(std::string_view org, uint64_t version) {
  return snapshots_key(org).big_endian(~version, 8);
}
inline Key latest_snapshot_key(std::string_view org) { return Key().part("").part(org).raw("l"); }
inline Key snapshot_chunk_key(std::string_view org, uint64_t version, uint32_t piece) {
  return Key().part("").part(org).raw("p").big_endian(~version, 8).big_endian(piece, 4);
}
inline Key position_key(PartitionId partition) {
  return Key("position").big_endian(partition.value, 4);
}

// History numbers are kept in blocks of this many.
inline constexpr uint64_t kHistoryBlock = 1u << 16;

// Of a command's id or of an entity. Several may have one: hold the decision against it.
uint32_t history_hash(std::string_view text);

inline bool in_no_organization(std::string_view key) { return key.front() == Key::kSeparator; }

// What is left of `key` after `prefix`, which it must begin with: the last id of a list's key.
inline std::string_view after_prefix(std::string_view key, std::string_view prefix) {
  return key.substr(prefix.size());
}

// The space of a key in an organization's space range (any row of the space).
inline std::string_view space_of(std::string_view key, std::string_view organization_prefix) {
  std::string_view rest = after_prefix(key, organization_prefix);
  return rest.substr(0, rest.find(Key::kSeparator));
}

}  // namespace tenure
