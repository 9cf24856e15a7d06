// `tenure schema json`: the JSON Schemas of events, as the compiled schemas of this build have
// them.
#include <algorithm>
#include <cstdio>

#include "engine/json/json_event.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

int run(const std::string& wanted) {
  const auto types = event_types();
  if (!wanted.empty() && std::ranges::find(types, wanted) == types.end()) {
    report({ErrorKind::kNotFound,
            "there is no event '" + wanted + "'; without a name all are printed"});
    return kExitUsage;
  }
  for (const std::string_view type : types) {
    if (wanted.empty() || wanted == type) std::printf("%s\n", event_json_schema(type).c_str());
  }
  return kExitOk;
}

Subcommand::Run configure(CLI::App& app) {
  auto wanted = std::make_shared<std::string>();
  app.require_subcommand(1);
  CLI::App* json = app.add_subcommand("json", "JSON Schemas of events, one a line");
  json->add_option("event", *wanted, "One kind, such as MemberAdded; all if none is named");
  return [wanted] { return run(*wanted); };
}

const Subcommand kSchema("schema", "What events look like, for other languages", configure);

}  // namespace
}  // namespace tenure
