// Rulebooks and space roles of an organization's own.
#include "engine/base/check.h"
#include "rulebooks/builtin_texts.h"
#include "tests/domain/random_commands_maker.h"

namespace tenure {
namespace {

// A built-in rulebook as JSON.
std::string builtin_text(const std::string& name) {
  for (const std::string_view text : kBuiltinRulebooks) {
    if (text.contains("\"name\": \"" + name + "\"")) return std::string(text);
  }
  CHECK(!"a built-in rulebook");
  return {};
}

void replace(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// Where the text names one of the actions that change_rules() deals out anew.
constexpr const char* kDealt[] = {
    "\"member.add\"",    "\"member.remove\"", "\"member.change_role\"", "\"group.manage\"",
    "\"access.manage\"", "\"space.create\"",  "\"space.archive\"",      "\"member.view\"",
    "\"usage.view\"",    "\"audit.read\"",    "\"access.view\"",        "\"group.view\""};
std::vector<size_t> actions_in(const std::string& text) {
  std::vector<size_t> places;
  for (const char* const action : kDealt) {
    for (size_t at = 0; (at = text.find(action, at)) != std::string::npos; ++at) {
      places.push_back(at);
    }
  }
  return places;
}

}  // namespace

// Gives some role one action for another, or lets people leave, come or be guests otherwise. Not
// all that comes of it makes sense: such a rulebook is refused.
void RandomCommands::Maker::change_rules(std::string& text) {
  for (uint64_t left = below(3); left > 0; --left) {
    const std::vector<size_t> places = actions_in(text);
    const size_t at = places[below(places.size())];
    text.replace(at, text.find('"', at + 1) + 1 - at, kDealt[below(std::size(kDealt))]);
  }
  for (const char* const choice :
       {"members_may_leave", "access_without_role_is_all", "space_guests"}) {
    const std::string set = quoted(choice) + ": ";
    const size_t at = text.find(set);
    if (at == std::string::npos || !chance(15)) continue;
    const bool was = text.compare(at + set.size(), 4, "true") == 0;
    text.replace(at + set.size(), was ? 4 : 5, was ? "false" : "true");
  }
}

// Custom space roles, and custom rulebooks: the organization's first one under another name, whose
// lowest role is called differently now and then, and whose roles may do other things.
flatbuffers::Offset<void> RandomCommands::Maker::build_rulebook(Command type) {
  const std::string custom = pick("custom", 6, [&](const std::string& name) {
    return believed_->rulebook->space_role(name).has_value() == (type == Command::DeleteSpaceRole);
  });
  if (type == Command::DeleteSpaceRole) {
    return schema::CreateDeleteSpaceRoleDirect(builder_, custom.c_str()).Union();
  }
  if (type == Command::DefineSpaceRole) {
    std::vector<flatbuffers::Offset<flatbuffers::String>> actions;
    for (uint64_t left = 1 + below(3); left > 0; --left) {
      constexpr const char* kVerbs[] = {"read", "create", "update", "delete"};
      const std::string of = chance(20) ? "*" : name_of(believed_->rulebook->resource_types);
      actions.push_back(
          builder_.CreateString(std::string("resource.") + kVerbs[below(4)] + ":" + of));
    }
    return schema::CreateDefineSpaceRoleDirect(builder_, custom.c_str(), &actions).Union();
  }
  if (chance(10)) return schema::CreateAdoptRulebookDirect(builder_, base_.c_str()).Union();
  std::string text = builtin_text(base_);
  const std::string lowest = test_rulebooks().find(base_)->organization_roles.back().name;
  const std::string held = believed_->rulebook->organization_roles.back().name;
  const std::string renamed = chance(50) ? lowest : lowest + "-of-ours";
  replace(text, quoted("name") + ": " + quoted(base_), quoted("name") + ": " + quoted("own"));
  replace(text, "\"version\": 1", "\"version\": " + std::to_string(believed_->version + 1));
  replace(text, quoted(lowest), quoted(renamed));
  if (chance(60)) change_rules(text);
  std::vector<flatbuffers::Offset<schema::Mapping>> map;
  if (held != renamed && !chance(10)) {
    map.push_back(schema::CreateMappingDirect(builder_, held.c_str(), renamed.c_str()));
  }
  return schema::CreateAdoptRulebookDirect(builder_, text.c_str(), &map).Union();
}

}  // namespace tenure
