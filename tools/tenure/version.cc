// `tenure version`.
#include <cstdio>

#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

Subcommand::Run configure(CLI::App&) {
  return [] {
    std::puts("tenure " TENURE_VERSION);
    return static_cast<int>(kExitOk);
  };
}

const Subcommand kVersion("version", "Print the version", configure);

}  // namespace
}  // namespace tenure
