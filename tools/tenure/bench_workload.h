// The workload of `tenure bench`: binary commands over many organizations, in the mix 40 %
// AddMember, 20 % ChangeRole, 5 % RemoveMember, 30 % RecordUsage, 5 % UpgradePlan. Deterministic by
// seed; built before the clock starts.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/commands_generated.h"

namespace tenure {

// Finished CommandEnvelope buffers, back to back in one allocation, so that building them costs no
// timed moment.
class CommandArena {
 public:
  size_t size() const { return places_.size(); }
  std::span<const uint8_t> operator[](size_t i) const;
  void add(std::span<const uint8_t> command);
  size_t bytes() const { return bytes_.size(); }

 private:
  std::vector<uint8_t> bytes_;
  std::vector<std::pair<size_t, size_t>> places_;  // begin, size
};

// A UUID out of two numbers.
std::string bench_id(uint64_t high, uint64_t low);

// Finishes the envelope around `command`, which was built in `builder`, into the arena; clears the
// builder.
template <class Table>
void add_command(flatbuffers::FlatBufferBuilder& builder, CommandArena& out, std::string_view id,
                 std::string_view org, std::string_view actor, flatbuffers::Offset<Table> command) {
  auto id_text = builder.CreateString(id.data(), id.size());
  auto org_text = builder.CreateString(org.data(), org.size());
  auto actor_text = builder.CreateString(actor.data(), actor.size());
  builder.Finish(
      schema::CreateCommandEnvelope(builder, id_text, org_text, actor_text,
                                    schema::CommandTraits<Table>::enum_value, command.Union()),
      schema::CommandEnvelopeIdentifier());
  out.add({builder.GetBufferPointer(), builder.GetSize()});
  builder.Clear();
}

// Keeps a small picture of every organization so that most commands are accepted, as real ones are.
// One thread.
class BenchWorkload {
 public:
  BenchWorkload(uint32_t organizations, uint64_t seed);

  // What must be applied first: each organization with its owner and one space, on the plan
  // `unmetered`.
  void add_setup(CommandArena& out);
  void add_mix(CommandArena& out, size_t commands);

  // The same mix as JSON, one command a string.
  static std::string to_json(std::span<const uint8_t> command);

 private:
  struct Company {
    std::vector<std::pair<uint32_t, uint8_t>> members;  // user number, role held
    uint32_t next_user = 0;
  };
  std::string next_id();

  uint32_t organizations_;
  std::mt19937_64 random_;
  std::vector<Company> companies_;
  uint64_t id_high_, id_low_ = 0;
};

}  // namespace tenure
