// Subcommands of `tenure`: one file each, which registers itself; main.cc knows none by name.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace tenure {

// What the process ends with.
enum ExitCode : int {
  kExitOk = 0,
  kExitRefused = 1,      // a command was rejected, a check denied, a verification failed
  kExitUsage = 2,        // the arguments make no sense
  kExitUnreachable = 3,  // a server, a directory or a file cannot be reached or read
};

// A subcommand's options are added by `configure`, which returns what runs it. Define one constant
// of this type at namespace scope in the subcommand's own file.
class Subcommand {
 public:
  using Run = std::function<int()>;
  using Configure = Run (*)(CLI::App& app);

  Subcommand(std::string_view name, std::string_view summary, Configure configure);

  std::string_view name, summary;
  Configure configure;

  static std::vector<const Subcommand*> all();  // by name
};

// Prints `tenure: message` on stderr. Returns kExitUnreachable.
int report(const Error& error);

}  // namespace tenure
