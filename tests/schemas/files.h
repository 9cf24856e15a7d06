// Where the schemas of this build and those of the releases lie. Paths are relative to the root of
// the repository, in which tests run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "engine/base/check.h"

namespace tenure {

inline std::filesystem::path current_schemas() { return TENURE_GENERATED_SCHEMAS; }
inline std::filesystem::path released_schemas() { return "schemas/released"; }
inline std::filesystem::path golden_files() { return "tests/schemas/golden"; }

// The folders of schemas/released, oldest first.
inline std::vector<std::filesystem::path> releases() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(released_schemas())) {
    if (entry.is_directory()) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

inline std::vector<uint8_t> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.is_open());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace tenure
