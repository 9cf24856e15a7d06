// What the tests of explanations share: organizations to ask about, and the answers on some lines.
#pragma once

#include <gtest/gtest.h>
#include <simdjson.h>

#include "projections/explain/explain.h"
#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {

// Opens what these tests seal: the box is the text.
class OpenBoxes final : public Unsealer {
 public:
  std::optional<std::string> unseal(const schema::Sealed& sealed) const override {
    if (sealed.box() == nullptr) return std::nullopt;
    return std::string(sealed.box()->begin(), sealed.box()->end());
  }
};

inline std::string text_of(simdjson::dom::element from, std::string_view name) {
  std::string_view text;
  return from[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

inline void append_evidence(simdjson::dom::element list, const char* mark, std::string& out) {
  for (const simdjson::dom::element each : list.get_array()) {
    out += mark + text_of(each, "rule");
    if (const std::string position = text_of(each, "position"); !position.empty()) {
      out += " [" + position + " " + text_of(each, "command_type");
      if (const auto actor = text_of(each, "actor"); !actor.empty()) out += " " + actor;
      if (const auto reason = text_of(each, "reason"); !reason.empty()) out += ": " + reason;
      out += "]";
    }
    out += "\n";
  }
}

// An explanation on some lines: the verdict, `- ` each reason, `! ` each note, `> ` each way.
inline std::string told(const Result<std::string>& answer) {
  if (!answer) return "error: " + answer.error().message;
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(*answer);
  std::string out;
  bool allowed = false;
  if (root["allowed"].get(allowed) == simdjson::SUCCESS) out = allowed ? "yes\n" : "no\n";
  simdjson::dom::element decision;
  if (root["decision"].get(decision) == simdjson::SUCCESS) {
    simdjson::dom::element rejection;
    const bool refused = decision["rejection"].get(rejection) == simdjson::SUCCESS;
    out = refused ? text_of(rejection, "code") : "accepted";
    for (const simdjson::dom::element need : root["needs"].get_array()) {
      out += ", needs " + text_of(need, "action");
      if (const auto space = text_of(need, "space"); !space.empty()) out += " in " + space;
    }
    out += "\n";
  }
  append_evidence(root["because"], "- ", out);
  append_evidence(root["notes"], "! ", out);
  for (const simdjson::dom::element way : root["would_allow"].get_array()) {
    out += "> " + text_of(way, "how");
    std::string by;
    for (const simdjson::dom::element role : way["by"].get_array()) {
      by += (by.empty() ? ": " : ", ") + std::string(std::string_view(role));
    }
    out += by + "\n";
  }
  return out;
}

class ExplainTest : public testing::Test {
 protected:
  void send(const std::string& org, const std::string& actor, const std::string& type,
            const std::string& command, const std::string& outcome = "accepted") {
    ASSERT_EQ(world_.send(org, actor, type, command), outcome) << type << command;
  }
  // The position of the last decision.
  uint64_t last() const { return world_.decisions() - 1; }

  void open() {
    if (models_ == nullptr) models_ = open_models(directory_.path(), world_);
    catch_up(*models_);
    view_ = models_->view();
  }
  ExplainSources sources() {
    return {.log = world_.log(), .partition = kPartition, .catalog = test_catalog()};
  }
  QueryContext as(const std::string& viewer) {
    if (models_ == nullptr) open();
    QueryContext context = context_of(*view_, world_.now, viewer);
    context.unsealer = &open_boxes_;
    return context;
  }
  std::string check(const CheckRequest& request, const std::string& viewer = {}) {
    return told(explain_check(as(viewer), sources(), request));
  }
  std::string decision(uint64_t number, const std::string& viewer = {}) {
    return told(explain_decision(as(viewer), sources(), number));
  }

  // lab: bob reads web by himself and writes there by his group.
  void make_lab() {
    send("lab", "user:root", "CreateOrganization", R"({"name":"Lab","rulebook":"anaphora"})");
    send("lab", "user:root", "AddMember", R"({"user":"bob","role":"USER"})");
    send("lab", "user:root", "CreateGroup", R"({"group":"ops","name":"Ops"})");
    send("lab", "user:root", "CreateSpace", R"({"space":"web","name":"Web"})");
    send("lab", "user:root", "AddToGroup", R"({"group":"ops","user":"bob"})");  // 4
    send("lab", "user:root", "GrantAccess",                                     // 5
         R"({"space":"web","subject":"user:bob","roles":["Readonly"]})");
    send("lab", "user:root", "GrantAccess",  // 6
         R"({"space":"web","subject":"group:ops","roles":["ReadWrite"]})");
  }
  // shop: an owner, a manager, an evaluator and a space.
  void make_shop() {
    send("shop", "user:ann", "CreateOrganization", R"({"name":"Shop","rulebook":"space"})");
    send("shop", "user:ann", "AddMember", R"({"user":"bob","role":"MANAGER"})");
    send("shop", "user:ann", "AddMember", R"({"user":"eve","role":"EVALUATOR"})");
    send("shop", "user:ann", "CreateSpace", R"({"space":"web","name":"Web"})");  // 3
  }

  TemporaryDirectory directory_;
  World world_;
  OpenBoxes open_boxes_;
  std::unique_ptr<ReadModels> models_;
  std::unique_ptr<RowView> view_;
};

}  // namespace tenure::test
