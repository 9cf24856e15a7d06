// Random commands that make sense often enough: a seeded stream for tests that need long histories.
//
// It keeps a belief of the organizations it talks to, as if every command were decided once and in
// order; a caller that loses or repeats commands only makes it guess worse. About two thirds are
// accepted. The same seed or choices, options and times give the same bytes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/domain/domain_machine.h"

namespace tenure {

struct RandomCommandOptions {
  std::vector<std::string> rulebooks = {"space", "anaphora", "flotiq",
                                        "upcloud"};  // in turn, an organization each
  bool personal_text = true;  // commands with sealed texts too, which have no JSON without keys
  bool services = true;       // now and then one of `_tenure`: about services and their keys
  size_t organizations = 4;
  size_t users = 24, groups = 6, spaces = 8, resources = 30;  // ids to choose from, in each
};

class RandomCommands {
 public:
  explicit RandomCommands(uint64_t seed, RandomCommandOptions options = {});
  // By somebody else's choices: any number for each, of which a remainder counts.
  using Choices = std::function<uint64_t()>;
  explicit RandomCommands(Choices choices, RandomCommandOptions options = {});

  // A finished CommandEnvelope, with an id never used before by this stream.
  std::vector<uint8_t> next(Time now);

 private:
  class Maker;
  Choices choose_;
  RandomCommandOptions options_;
  DomainMachine belief_{DomainMachine::Keep::kLastDecision};
  uint64_t seed_ = 0;
  uint64_t made_ = 0;
};

}  // namespace tenure
