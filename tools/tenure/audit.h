// The parts of `tenure audit`: a file each.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "engine/base/result.h"

namespace tenure {

// Adds the part to `tenure audit`. When it is chosen on the command line, `chosen` is set to what
// runs it.
using Chosen = std::function<int()>;
// What the process ends with; reports an error.
int ended(const Result<int>& code);
void add_audit_key(CLI::App& audit, Chosen& chosen);  // audit_proof.cc, as these two
void add_audit_checkpoint(CLI::App& audit, Chosen& chosen);
void add_audit_proof(CLI::App& audit, Chosen& chosen);
void add_audit_export(CLI::App& audit, Chosen& chosen);  // audit_export.cc, as this one
void add_audit_verify_bundle(CLI::App& audit, Chosen& chosen);
void add_audit_what_if(CLI::App& audit, Chosen& chosen);  // audit_what_if.cc
void add_audit_verify(CLI::App& audit, Chosen& chosen);   // audit_verify.cc

}  // namespace tenure
