#include "tools/tenure/subcommand.h"

#include <algorithm>
#include <cstdio>

namespace tenure {
namespace {

// A function's own variable, so that it exists before the first registration.
std::vector<const Subcommand*>& registered() {
  static std::vector<const Subcommand*> subcommands;
  return subcommands;
}

}  // namespace

Subcommand::Subcommand(std::string_view name_, std::string_view summary_, Configure configure_)
    : name(name_), summary(summary_), configure(configure_) {
  registered().push_back(this);
}

std::vector<const Subcommand*> Subcommand::all() {
  std::vector<const Subcommand*> sorted = registered();
  std::ranges::sort(sorted, {}, &Subcommand::name);
  return sorted;
}

int report(const Error& error) {
  std::fprintf(stderr, "tenure: %s\n", error.message.c_str());
  return kExitUnreachable;
}

}  // namespace tenure
