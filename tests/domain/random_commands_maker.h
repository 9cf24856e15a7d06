// The maker of RandomCommands: who does what is chosen in random_commands.cc, with what in
// random_commands_build.cc, about money in random_commands_billing.cc.
#pragma once

#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/domain/random_commands.h"

namespace tenure {

using flatbuffers::FlatBufferBuilder;
using schema::Command;

inline std::string numbered(std::string prefix, uint64_t number) {
  return prefix.append(std::to_string(number));
}

// Makes one command for one organization.
class RandomCommands::Maker {
 public:
  Maker(RandomCommands& stream, std::string org)
      : stream_(stream), org_(std::move(org)), believed_(stream.belief_.find(org_)) {}

  std::vector<uint8_t> make(Time now, size_t org_index);
  std::vector<uint8_t> make_about_services(Time now);

 private:
  uint64_t below(uint64_t end) { return stream_.choose_() % end; }
  bool chance(uint64_t percent) { return below(100) < percent; }

  // One of prefix0, prefix1, ... for which `good` holds, if there is one and luck wants it.
  template <class Good>
  std::string pick(const char* prefix, size_t count, Good&& good) {
    const size_t start = below(count);
    if (!chance(8)) {
      for (size_t i = 0; i < count; ++i) {
        std::string id = numbered(prefix, (start + i) % count);
        if (good(id)) return id;
      }
    }
    return numbered(prefix, start);
  }
  template <class Good>
  std::string user(Good&& good) {
    return pick("u", stream_.options_.users, good);
  }
  std::string member() {
    return user([&](const std::string& id) { return believed_->members.contains(id); });
  }
  std::string group(bool existing) {
    return pick("g", stream_.options_.groups,
                [&](const std::string& id) { return believed_->groups.contains(id) == existing; });
  }
  std::string space(bool existing) {
    return pick("s", stream_.options_.spaces,
                [&](const std::string& id) { return believed_->spaces.contains(id) == existing; });
  }
  // One that can be answered: the same for who answers and for the answer.
  const std::string& invitation() {
    if (!invitation_.empty()) return invitation_;
    std::set<std::string> pending;
    for (const auto& [id, held] : believed_->invitations) {
      if (!held.expired) pending.insert(id.str());
    }
    invitation_ = pending.empty()
                      ? "none"
                      : *std::next(pending.begin(), static_cast<ptrdiff_t>(below(pending.size())));
    return invitation_;
  }
  // One that takes changes.
  std::string open_space() {
    return pick("s", stream_.options_.spaces, [&](const std::string& id) {
      const Space* found = believed_space(id);
      return found != nullptr && found->status == SpaceStatus::kActive;
    });
  }
  const Space* believed_space(const std::string& id) const {
    const auto found = believed_->spaces.find(id);
    return found == believed_->spaces.end() ? nullptr : &found->second;
  }

  // Of the space's resources, or an id that is none of them; what one is there (null: none), and
  // the type to say for it.
  static const Resource* held_in(const Space* space, const std::string& id);
  std::string resource(const Space* space, bool existing);
  std::string type_of(const Space* space, const std::string& resource);

  template <class Items>
  std::string name_of(const Items& items) {
    return items.empty() || chance(1) ? "nonsense" : items[below(items.size())].name;
  }
  std::string role() { return name_of(believed_->rulebook->organization_roles); }
  std::string space_role() { return name_of(believed_->rulebook->space_roles); }
  // What somebody is given in a space: one role, or none at all where that is everything.
  std::vector<flatbuffers::Offset<flatbuffers::String>> given_roles() {
    if (believed_->rulebook->access_without_role_is_all && chance(25)) return {};
    return {builder_.CreateString(space_role())};
  }

  // A command by weight; one that has nothing to work on only seldom.
  Command choose_command() {
    Command command = weighted_command();
    for (int i = 0; i < 4 && is_pointless(command) && !chance(5); ++i) command = weighted_command();
    return command;
  }

  std::vector<uint8_t> finish(const std::string& actor, Command type,
                              flatbuffers::Offset<void> command,
                              flatbuffers::Offset<schema::Sealed> reason,
                              const std::vector<uint8_t>* key_hash = nullptr);
  Command weighted_command();
  bool is_pointless(Command command) const;
  std::string choose_actor(Command type);

  flatbuffers::Offset<void> create_organization(size_t org_index) {
    const auto& rulebooks = stream_.options_.rulebooks;
    const std::string& rulebook = rulebooks[org_index % rulebooks.size()];
    const char* billing_mode = org_index % 4 == 3 ? "consolidated" : "per_space";
    return schema::CreateCreateOrganizationDirect(builder_, "Organization", rulebook.c_str(), "u0",
                                                  billing_mode)
        .Union();
  }

  flatbuffers::Offset<void> build(Command type, Time now);
  flatbuffers::Offset<void> build_organization(Command type);
  void change_rules(std::string& text);
  flatbuffers::Offset<void> build_rulebook(Command type);
  flatbuffers::Offset<void> build_member(Command type);
  flatbuffers::Offset<void> build_invitation(Command type);
  flatbuffers::Offset<void> build_invite();
  flatbuffers::Offset<void> build_group(Command type);
  flatbuffers::Offset<void> build_space(Command type);
  flatbuffers::Offset<void> build_access(Command type);
  flatbuffers::Offset<void> build_resource(Command type);
  flatbuffers::Offset<void> build_copy();
  flatbuffers::Offset<void> build_import();
  flatbuffers::Offset<void> build_usage(Time now);
  flatbuffers::Offset<void> build_payment(Command type);
  flatbuffers::Offset<void> build_billing(Command type, Time now);
  flatbuffers::Offset<void> build_credits(Command type, Time now);
  flatbuffers::Offset<void> build_invoice(Command type);
  flatbuffers::Offset<schema::Sealed> sealed_text();

  RandomCommands& stream_;
  std::string org_;
  std::string base_;              // the rulebook that the organization began with
  const Organization* believed_;  // null before it is created
  std::string invitation_;
  FlatBufferBuilder builder_;
};

}  // namespace tenure
