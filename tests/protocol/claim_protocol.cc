// Checks the claim protocol of the decision log in every interleaving within small bounds.
//
//   claim_protocol                         the default bounds; prints the states, fails on a fault
//   claim_protocol --cuts 1                the broker may lose a suffix of the log once
//   claim_protocol --break stamp           without a rule: prints the shortest way to the fault
//
//   --commands N --claims N --doubles N --refusals N --cuts N --processes N    the bounds
//   --spare-claims     a cut goes no further back than the last claim
//   --plain            the smaller model of README.md, "Counted twice"
//   --break RULE       stamp number contiguity through latch acked durable memory identity naming
//                      roster; may be given several times
//   --expect-broken    succeed if there is a fault, fail if there is none
//   --expect-states N  fail if there are more or fewer states
//   --limit N          give up beyond this many states
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <utility>

#include "tests/protocol/explorer.h"

namespace tenure::test {
namespace {

struct Options {
  Bounds bounds;
  Rules rules;
  size_t limit = 60'000'000;
  size_t expected_states = 0;
  bool expect_broken = false;
};

[[noreturn]] void refuse(std::string_view what) {
  std::cerr << "claim_protocol: " << what << "; usage stands at the top of claim_protocol.cc\n";
  std::exit(2);
}

Rule rule_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Rule>, 11> kRules{{
      {"stamp", Rule::kStamp},
      {"number", Rule::kNumber},
      {"contiguity", Rule::kContiguity},
      {"through", Rule::kThrough},
      {"latch", Rule::kLatch},
      {"acked", Rule::kAcked},
      {"durable", Rule::kDurable},
      {"memory", Rule::kMemory},
      {"identity", Rule::kIdentity},
      {"naming", Rule::kNaming},
      {"roster", Rule::kRoster},
  }};
  for (const auto& [known, rule] : kRules) {
    if (known == name) return rule;
  }
  refuse("unknown rule");
}

size_t number_in(std::string_view text) {
  size_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9' || number > 1'000'000'000) refuse("not a number");
    number = 10 * number + static_cast<size_t>(digit - '0');
  }
  return number;
}

size_t* bound_named(Options& options, std::string_view name) {
  if (name == "--commands") return &options.bounds.commands;
  if (name == "--claims") return &options.bounds.claims;
  if (name == "--doubles") return &options.bounds.doubles;
  if (name == "--refusals") return &options.bounds.refusals;
  if (name == "--cuts") return &options.bounds.cuts;
  if (name == "--processes") return &options.bounds.processes;
  if (name == "--limit") return &options.limit;
  if (name == "--expect-states") return &options.expected_states;
  return nullptr;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--plain") {
      options.bounds.plain = true;
    } else if (name == "--spare-claims") {
      options.bounds.cuts_spare_claims = true;
    } else if (name == "--expect-broken") {
      options.expect_broken = true;
    } else if (i + 1 == argc) {
      refuse("unknown option, or one without its value");
    } else if (name == "--break") {
      options.rules.leave_out(rule_named(argv[++i]));
    } else if (size_t* bound = bound_named(options, name)) {
      *bound = number_in(argv[++i]);
    } else {
      refuse("unknown option");
    }
  }
  const Bounds& bounds = options.bounds;
  if (bounds.commands > kMaxCommands || bounds.claims > kMaxClaims) refuse("bounds too large");
  if (bounds.processes < 1 || bounds.processes > kMaxProcesses) refuse("1 to 3 processes");
  if (bounds.plain && bounds.cuts > 0) refuse("the plain model has no cuts");
  return options;
}

void print(const Exploration& found, double seconds) {
  if (found.fault) {
    std::cout << "broken after " << found.states << " states: " << *found.fault << '\n';
    for (const Step& step : found.path) std::cout << "  " << describe(step) << '\n';
  } else if (!found.complete) {
    std::cout << "gave up after " << found.states << " states\n";
  } else {
    std::cout << found.states << " states, " << found.transitions << " steps between them, "
              << found.depth << " to the farthest; none broken, an undisturbed writer finishes "
              << "from each\nall commands are decided in " << found.finished
              << " states; a reader stops in " << found.stopped << '\n';
  }
  std::cout << seconds << " s\n";
}

int run(const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  const Exploration found = explore(ProtocolModel(options.bounds, options.rules), options.limit);
  print(found, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  if (!found.fault && !found.complete) return 2;
  if (options.expect_broken != found.fault.has_value()) {
    std::cout << (found.fault ? "a fault" : "no fault") << " was not expected\n";
    return 1;
  }
  if (options.expected_states != 0 && options.expected_states != found.states) {
    std::cout << "expected " << options.expected_states << " states\n";
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace tenure::test

int main(int argc, char** argv) { return tenure::test::run(tenure::test::parse(argc, argv)); }
