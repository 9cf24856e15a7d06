// `tenure`: the daemon, its clients and its tools in one program.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

// Where a standard stream was closed, the next file opened would take its place, and what is
// printed would go into that: a segment of the log, say.
void keep_standard_streams_open() {
  for (int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(file, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);
  }
}

// Output that did not arrive is no success, whatever was done.
int finish(int code) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  const std::string why = errno != 0 ? std::string(": ") + std::strerror(errno) : std::string();
  return report({ErrorKind::kIo, "cannot write all of the output" + why});
}

// One line; CLI11 has two, and of a word that is no subcommand says only that one is missing.
int report_usage(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  std::string what = error.what();
  if (!unknown.empty()) what = "there is no '" + unknown.front() + "' here";
  report({ErrorKind::kInvalid, what + "; tenure --help and tenure SUBCOMMAND --help say what is"});
  return kExitUsage;
}

}  // namespace
}  // namespace tenure

int main(int argc, char** argv) {
  tenure::keep_standard_streams_open();
  CLI::App app{"Who belongs where, what they may do, what they use: decided, recorded, explained."};
  app.name("tenure");
  app.set_version_flag("--version", "tenure " TENURE_VERSION, "Print the version");
  app.require_subcommand(1);
  tenure::Subcommand::Run chosen;
  for (const tenure::Subcommand* subcommand : tenure::Subcommand::all()) {
    CLI::App* child =
        app.add_subcommand(std::string(subcommand->name), std::string(subcommand->summary));
    auto run = subcommand->configure(*child);
    child->final_callback([&chosen, run] { chosen = run; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return tenure::finish(app.exit(help));
  } catch (const CLI::CallForAllHelp& help) {
    return tenure::finish(app.exit(help));
  } catch (const CLI::CallForVersion& version) {
    return tenure::finish(app.exit(version));
  } catch (const CLI::ParseError& error) {
    return tenure::report_usage(app, error);
  }
  return tenure::finish(chosen());
}
