// The domain with a log behind it: every decision that a command leaves goes into a memory log,
// from which projectors read. One thread.
#pragma once

#include <string>
#include <vector>

#include "engine/json/json_edge.h"
#include "engine/log/memory_log.h"
#include "projections/queries/queries.h"
#include "projections/read_models.h"
#include "tests/domain/domain_machine.h"

namespace tenure::test {

inline constexpr PartitionId kPartition{};
inline constexpr Time kStart = from_micros(1'790'000'000'000'000);  // 2026-09-21

class World {
 public:
  explicit World(const std::string& process = "test", const Catalog& catalog = test_catalog());

  Time now = kStart;  // a test may move it

  // Decides and appends; durable at once.
  const schema::Decision& apply(std::span<const uint8_t> command);
  // A command as JSON; "accepted" or the rejection's code.
  std::string send(const std::string& org, const std::string& actor, const std::string& type,
                   const std::string& command);
  // `count` commands of a seeded stream, 20 minutes apart.
  void run_random(uint64_t seed, size_t count, size_t organizations = 3);

  MemoryLog& log() { return log_; }
  const DomainMachine& machine() const { return machine_; }
  uint64_t decisions() const { return appended_; }

 private:
  void append_new();

  DomainMachine machine_;
  MemoryLog log_;
  Session session_;
  uint64_t appended_ = 0;
  JsonReader reader_{command_schema()};
  uint64_t sent_ = 0;
};

// Opens read models of the world's log and brings them up to its end.
std::unique_ptr<ReadModels> open_models(const std::string& directory, World& world,
                                        const ReadModelsOptions& options = {});
void catch_up(ReadModels& models);

// The context of a service that sees everything, or of one user.
QueryContext context_of(const RowView& view, Time now, std::string viewer = {});

// Nothing, or the first difference.
std::string difference(const RowView& expected, const RowView& actual);
// The same for a world's log rebuilt from zero in a directory of its own.
std::string difference_to_rebuilt(World& world, const RowView& actual);

// Every answer about every organization of the machine, as one text.
std::string all_answers(const QueryContext& context, const Organization& organization);

}  // namespace tenure::test
