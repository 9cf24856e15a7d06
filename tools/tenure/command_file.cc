#include "tools/tenure/command_file.h"

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <system_error>

namespace tenure {

Result<CommandFile> CommandFile::open(const std::string& path) {
  CommandFile file(path);
  if (file.is_stdin()) return file;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(ErrorKind::kNotFound, "cannot read " + path + ": it is a directory");
  }
  file.file_.open(path);
  if (!file.file_) return fail(ErrorKind::kNotFound, "cannot read " + path);
  return file;
}

std::istream& CommandFile::stream() { return is_stdin() ? std::cin : file_; }

Result<void> CommandFile::at_end() {
  // std::cin takes what stdin cannot read for the end.
  const bool failed = stream().bad() || (is_stdin() && std::ferror(stdin) != 0);
  if (!failed) return {};
  return fail(ErrorKind::kIo, "cannot read " + (is_stdin() ? "stdin" : path_) +
                                  " to its end; the commands before were sent, so send all again");
}

}  // namespace tenure
