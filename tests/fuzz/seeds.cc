// Writes the seeds that are bytes into a folder, one folder a target: commands and their decisions,
// the first of each type and outcome in a random history; and choices for `decide`.
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "tests/domain/random_commands.h"

namespace tenure::test {
namespace {

void write(const std::filesystem::path& path, std::span<const uint8_t> bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

void write_history(const std::filesystem::path& folder) {
  RandomCommands commands(1);
  DomainMachine machine(DomainMachine::Keep::kLastDecision);
  std::set<std::string> written;
  for (int i = 0; i < 5000; ++i) {
    const Time now = from_micros(1'790'000'000'000'000) + std::chrono::minutes(20 * i);
    const std::vector<uint8_t> command = commands.next(now);
    const bool accepted = machine.apply(command, now).outcome() == schema::Outcome::accepted;
    const std::string name =
        std::string(schema::EnumNameCommand(envelope_of(command).command_type())) +
        (accepted ? "" : "-rejected");
    if (!written.insert(name).second) continue;
    write(folder / "command_bytes" / name, command);
    write(folder / "event_bytes" / name, machine.history().back());
  }
}

void write_choices(const std::filesystem::path& folder) {
  std::mt19937 random(1);
  for (int i = 0; i < 16; ++i) {
    std::vector<uint8_t> choices(size_t{64} << i / 4);
    for (uint8_t& choice : choices) choice = static_cast<uint8_t>(random());
    write(folder / std::to_string(i), choices);
  }
}

}  // namespace
}  // namespace tenure::test

int main(int, char** argv) {
  const std::filesystem::path folder = argv[1];
  tenure::test::write_history(folder);
  tenure::test::write_choices(folder / "decide");
}
