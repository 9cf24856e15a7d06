// The domain is pure: it includes the standard library, the schemas, the base and itself, nothing
// that could read a clock, a file or a network.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

namespace tenure {
namespace {

bool is_allowed_include(const std::string& line) {
  static const std::regex kOwn(R"re(#include "(engine/base|engine/domain|schemas)/[a-z_]+\.h")re");
  static const std::regex kStandard(R"re(#include <[a-z_]+>)re");  // no slash, no .h
  return std::regex_match(line, kOwn) || std::regex_match(line, kStandard) ||
         line == "#include <flatbuffers/flatbuffers.h>";  // what the schemas are read with
}

TEST(DomainIncludes, OnlyTheStandardLibrarySchemasBaseAndItself) {
  const std::regex kImpure(R"re(<(iostream|fstream|thread|random|filesystem|mutex|future)>)re");
  int files = 0, includes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TENURE_DOMAIN)) {
    if (entry.path().extension() != ".h" && entry.path().extension() != ".cc") continue;
    ++files;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (!line.starts_with("#include")) continue;
      ++includes;
      EXPECT_TRUE(is_allowed_include(line)) << entry.path() << ": " << line;
      EXPECT_FALSE(std::regex_search(line, kImpure)) << entry.path() << ": " << line;
    }
  }
  EXPECT_GT(files, 30);
  EXPECT_GT(includes, 100);
}

TEST(DomainIncludes, AreToldApart) {
  EXPECT_FALSE(is_allowed_include("#include <rocksdb/db.h>"));
  EXPECT_FALSE(is_allowed_include("#include <spdlog/spdlog.h>"));
  EXPECT_FALSE(is_allowed_include("#include <time.h>"));
  EXPECT_FALSE(is_allowed_include("#include \"engine/json/json_edge.h\""));
  EXPECT_TRUE(is_allowed_include("#include \"engine/domain/state.h\""));
}

}  // namespace
}  // namespace tenure
