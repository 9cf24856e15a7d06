// Golden files: one buffer of every command, event, decision and data file of a release, with the
// JSON that it has stood for since. Three lines an entry: name, buffer in hex, JSON.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tenure {

class JsonSchema;

inline constexpr int64_t kSampleTime = 1'795'443'660'000'000;  // 2026-11-23T14:21:00Z

struct Golden {
  std::string name;
  std::vector<uint8_t> buffer;
  std::string json;
};

std::vector<Golden> read_golden(const std::filesystem::path& file);
void write_golden(const std::filesystem::path& file, const std::vector<Golden>& entries);

// A JSON object of the schema's table with every field set: strings to the name of the field,
// numbers to the place of it, vectors to two elements. `member` is what its union holds.
std::string sample_json(const JsonSchema& schema, const std::string& table,
                        const std::string& member = "");

// The members of the union that `table` holds, in the order of their numbers.
std::vector<std::string> union_members(const JsonSchema& schema, const std::string& table);

}  // namespace tenure
