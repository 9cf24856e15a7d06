// `tenure audit`: for those who are to trust a history without trusting who keeps it.
#include "tools/tenure/audit.h"

#include "tools/tenure/subcommand.h"

namespace tenure {

int ended(const Result<int>& code) {
  if (code) return *code;
  report(code.error());
  return code.error().kind == ErrorKind::kInvalid ? kExitUsage : kExitUnreachable;
}

namespace {

Subcommand::Run configure(CLI::App& app) {
  auto chosen = std::make_shared<Chosen>();
  app.require_subcommand(1);
  add_audit_key(app, *chosen);
  add_audit_checkpoint(app, *chosen);
  add_audit_proof(app, *chosen);
  add_audit_verify(app, *chosen);
  add_audit_export(app, *chosen);
  add_audit_verify_bundle(app, *chosen);
  add_audit_what_if(app, *chosen);
  return [chosen] { return (*chosen)(); };
}

const Subcommand kAudit("audit", "Signed heads, proofs and evidence of a log", configure);

}  // namespace
}  // namespace tenure
