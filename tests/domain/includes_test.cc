// The domain is pure: it includes the standard library, the schemas, the base and itself, nothing
// that could read a clock, a file or a network.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

namespace tenure {
namespace {

constexpr std::string_view kInclude = "#include ";

// `line` begins with #include.
bool is_allowed_include(std::string_view line) {
  const std::string_view what = line.substr(kInclude.size());
  if (what == "<flatbuffers/flatbuffers.h>") return true;  // what the schemas are read with
  for (const char* folder : {"\"engine/base/", "\"engine/domain/", "\"schemas/"}) {
    if (what.starts_with(folder)) return true;
  }
  static const std::set<std::string_view> kImpure = {"<iostream>", "<fstream>", "<filesystem>",
                                                     "<thread>",   "<mutex>",   "<future>",
                                                     "<random>",   "<ctime>",   "<cstdio>"};
  // Headers of the standard library have neither a folder nor a suffix.
  return what.starts_with('<') && what.find_first_of("/.") == what.npos && !kImpure.contains(what);
}

TEST(DomainIncludes, OnlyTheStandardLibrarySchemasBaseAndItself) {
  int files = 0, includes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TENURE_DOMAIN)) {
    if (entry.path().extension() != ".h" && entry.path().extension() != ".cc") continue;
    ++files;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (!line.starts_with(kInclude)) continue;
      ++includes;
      EXPECT_TRUE(is_allowed_include(line)) << entry.path() << ": " << line;
    }
  }
  EXPECT_GT(files, 30);
  EXPECT_GT(includes, 100);
}

TEST(DomainIncludes, AreToldApart) {
  for (const char* line : {"#include <rocksdb/db.h>", "#include <time.h>", "#include <thread>",
                           "#include \"engine/json/json_edge.h\""}) {
    EXPECT_FALSE(is_allowed_include(line)) << line;
  }
  EXPECT_TRUE(is_allowed_include("#include \"engine/domain/state.h\""));
  EXPECT_TRUE(is_allowed_include("#include <chrono>"));
}

}  // namespace
}  // namespace tenure
