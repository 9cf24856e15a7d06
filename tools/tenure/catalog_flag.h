// The option that names the plans which a subcommand sells, or believes were sold.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tools/server/catalog_file.h"

namespace tenure {

inline void add_catalog_option(CLI::App& app, std::string& file) {
  app.add_option("--catalog", file,
                 "A file of the plans to sell, as JSON; without it those of the program");
}

}  // namespace tenure
