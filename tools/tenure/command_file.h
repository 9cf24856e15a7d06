// A file of commands, or stdin, for the subcommands that read one.
#pragma once

#include <fstream>
#include <istream>
#include <string>

#include "engine/base/result.h"

namespace tenure {

class CommandFile {
 public:
  // `path`; - is stdin. kNotFound: it cannot be read.
  static Result<CommandFile> open(const std::string& path);

  std::istream& stream();
  // Once no line comes any more: was that the end? kIo: reading failed before it.
  Result<void> at_end();

 private:
  explicit CommandFile(std::string path) : path_(std::move(path)) {}
  bool is_stdin() const { return path_ == "-"; }

  std::string path_;
  std::ifstream file_;
};

}  // namespace tenure
