// A partition's answer as a client reads it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/json/json_edge.h"
#include "engine/partition/partition.h"
#include "tools/server/command_parser.h"
#include "tools/server/http.h"

namespace tenure {

// An Answer that outlives its reply: the decision copied, aligned as its readers need it. `secret`:
// of the key that its command was to make; shown if that is what came of it.
class KeptAnswer {
 public:
  explicit KeptAnswer(const Answer& answer, std::string secret = {});

  Answer::Kind kind;
  Position position;
  std::string message;
  std::string secret;  // empty: none was made
  std::span<const std::byte> decision() const {
    return {reinterpret_cast<const std::byte*>(words_.data()), size_};
  }
  // The decision that answers the command; null if it was not decided.
  const schema::Decision* root() const;
  // Why it was not; only if so.
  Undecided undecided() const;

 private:
  std::vector<uint64_t> words_;
  size_t size_;
};

// One command, one answer: the decision with 200, or a problem that is also the decision.
Response to_response(const KeptAnswer& answer, const Unsealer& unsealer);
Response to_response(const Undecided& undecided);

// The same as a line of NDJSON, its end included. `line` counts from 1.
void append_line(const KeptAnswer& answer, size_t line, const Unsealer& unsealer, std::string& out);
void append_line(const Undecided& undecided, size_t line, std::string& out);

}  // namespace tenure
