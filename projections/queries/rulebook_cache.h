// The rules of organizations that have some of their own, compiled: reading them anew for every
// question would cost more than the question.
//
// For one log: the number of the decision that made them what they are tells them apart. Threads:
// any number at once. Bounded: when it is full, it begins anew.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "engine/domain/rulebook.h"

namespace tenure {

class RulebookCache {
 public:
  // Null if it has to be compiled.
  std::shared_ptr<const Rulebook> find(std::string_view org, uint64_t rules_number) const;
  void keep(std::string_view org, uint64_t rules_number, std::shared_ptr<const Rulebook> rulebook);

 private:
  using Key = std::pair<std::string, uint64_t>;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<const Rulebook>> compiled_;
};

}  // namespace tenure
