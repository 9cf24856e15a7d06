// `tenure`: the daemon, its clients and its tools in one program.
#include <cstdio>

#include "tools/tenure/subcommand.h"

int main(int argc, char** argv) {
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
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return tenure::kExitUsage;
  }
  return chosen();
}
