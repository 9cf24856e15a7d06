// An organization as rows of the state store: one row an entity, so that one change in an
// organization of 100,000 members writes a handful of rows.
//
// The tables are those of schemas/rows.fbs. Keys (the store puts `org 0x00` before them):
//   key := 1                                       OrganizationRow
//        | 2                                       RulebookRow, if it has anything of its own
//        | 3 user                                  MemberRow
//        | 4 group                                 GroupRow
//        | 5 group 0x00 user                       GroupMemberRow
//        | 6 space                                 SpaceRow
//        | 7 space 0x00 subject                    AccessRow
//        | 8 space 0x00 resource                   ResourceRow
//        | 9 space 0x00 month:u32be meter          MeterRow
//        | 10 space                                SubscriptionRow
//        | 11 space 0x00 month:u32be chunk:u64be   fingerprints of counted usage: (high:u64
//        low:u64)*
//        | 12 invitation                           InvitationRow
//        | 13 api_key                              ApiKeyRow
//        | 14 service 0x00 org 0x00 space          ServiceGrantRow (org and space may be empty)
//        | 15 space 0x00 grant                     CreditRow
//        | 16 invoice                              InvoiceRow
// No id contains 0x00. A chunk holds the fingerprints of one checkpoint, named by its number.
// Derived fields have no rows: derive() makes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/domain/rulebook.h"
#include "engine/domain/state.h"
#include "engine/partition/state_store.h"
#include "schemas/decision_generated.h"

namespace tenure {

// Which rows of one organization changed since they were last written: their keys, one after the
// other in one buffer (a fingerprint counts as a row: key 11 with the fingerprint for the chunk).
class TouchedRows {
 public:
  void add(std::string_view key);
  bool empty() const { return bytes_.empty(); }
  size_t bytes() const { return bytes_.size(); }
  void clear() { bytes_.clear(); }
  void prefetch_end() const { __builtin_prefetch(bytes_.data() + bytes_.size(), 1); }
  std::vector<std::string_view> sorted() const;  // without doubles

 private:
  std::string bytes_;  // (size:u16 key)*
};

// Notes what evolve() is about to change. Call it before evolve: what goes is found in the state.
void touch_rows(const Organization& before, const schema::Decision& decision, TouchedRows& touched);

// Every row that the organization has.
void touch_all(const Organization& organization, TouchedRows& touched);

// Appends the rows named by `touched` as they are now, or their removal. `chunk`: the number of the
// checkpoint. `next`: the first decision that the organization does not know.
void encode_rows(const Organization& organization, const TouchedRows& touched, uint64_t chunk,
                 Number next, RowChanges& out);

// An organization as the store has it.
struct StoredOrganization {
  Organization organization;
  Number next{};  // the first decision that it does not know
  bool exists = false;
  std::shared_ptr<Services> services;  // the organization's, while it is loaded
};

// Puts one row into an organization that is being loaded (rows come in key order; derive() after
// the last). kCorrupt: not such a row; kUnsupported: a rulebook or role that this build lacks.
Result<void> load_row(StoredOrganization& stored, const Rulebooks& rulebooks, std::string_view key,
                      std::string_view value);

// A hash over all its rows: equal states give equal digests, on every machine.
uint64_t state_digest(const Organization& organization);

// A rough count of what it takes in memory.
size_t estimate_memory(const Organization& organization);

}  // namespace tenure
