// `tenure audit whatif`: which decisions of a history would differ under another rulebook.
#include <cstdio>

#include "consumers/audit/what_if.h"
#include "engine/base/murmur2.h"
#include "engine/log/log_reader.h"
#include "engine/rulebooks/builtin.h"
#include "projections/queries/answer_writer.h"
#include "tools/tenure/audit.h"
#include "tools/tenure/audited_log.h"
#include "tools/tenure/catalog_flag.h"
#include "tools/tenure/json_table.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  LogFlags log;
  std::string rulebook, org, catalog;
  bool json = false;
};

struct Tally {
  uint64_t now_refused = 0, now_accepted = 0, otherwise = 0;
};

std::string told(const schema::Decision& decision) {
  if (decision.rejection() == nullptr) return "accepted";
  const schema::Rejection& why = *decision.rejection();
  return std::string("refused, ") + schema::EnumNameRejectionCode(why.code()) + ": " +
         why.message()->str() + " (" + why.rule()->str() + ")";
}

void write_side(AnswerWriter& out, const char* name, const schema::Decision& decision) {
  out.begin_object(name).text("outcome", schema::EnumNameOutcome(decision.outcome()));
  if (const auto* why = decision.rejection()) {
    out.text("code", schema::EnumNameRejectionCode(why->code()));
    out.text("message", why->message()).text("rule", why->rule());
  }
  out.end_object();
}

void print_difference(const Options& options, Position position, const schema::Decision& was,
                      const schema::Decision& would) {
  const schema::CommandEnvelope& command = *was.command_nested_root();
  const std::string time = format_time(was.time());
  const char* const type = schema::EnumNameCommand(command.command_type());
  if (!options.json) {
    const std::string line = format_position(position) + "  " + time + "  " + command.org()->str() +
                             "  " + command.actor()->str() + "  " + type + "\n  was        " +
                             told(was) + "\n  would be   " + told(would);
    std::printf("%s\n", line.c_str());
    return;
  }
  AnswerWriter out;
  out.begin_object().text("position", format_position(position)).text("time", time);
  out.text("org", command.org()).text("actor", command.actor()).text("command_type", type);
  write_side(out, "was", was);
  write_side(out, "would", would);
  out.end_object();
  std::printf("%s\n", out.str().c_str());
}

void count(Tally& tally, const schema::Decision& was, const schema::Decision& would) {
  if (was.outcome() == would.outcome()) {
    ++tally.otherwise;
  } else {
    ++(was.rejection() == nullptr ? tally.now_refused : tally.now_accepted);
  }
}

void print_summary(const Options& options, const WhatIfCounts& counts, const Tally& tally) {
  if (options.json) {
    AnswerWriter out;
    out.begin_object().begin_object("summary").number("decisions", counts.decisions);
    out.number("asked", counts.asked).number("different", counts.different);
    out.number("now_refused", tally.now_refused).number("now_accepted", tally.now_accepted);
    out.number("otherwise", tally.otherwise).number("not_reproduced", counts.not_reproduced);
    out.end_object().end_object();
    std::printf("%s\n", out.str().c_str());
    return;
  }
  const auto ul = [](uint64_t number) { return static_cast<unsigned long>(number); };
  std::printf(
      "%lu of %lu decisions would differ (%lu in the history): %lu accepted ones would be "
      "refused, %lu refused ones accepted, %lu decided otherwise\n",
      ul(counts.different), ul(counts.asked), ul(counts.decisions), ul(tally.now_refused),
      ul(tally.now_accepted), ul(tally.otherwise));
  if (counts.not_reproduced > 0) {
    std::printf(
        "%lu more are left out: this build decides them otherwise under their own "
        "rulebook, too\n",
        ul(counts.not_reproduced));
  }
}

// Every decision of a partition.
template <class See>
Result<void> walk(LogSource& log, PartitionId id, See see) {
  LogReader reader(TRY(log.read(id, Offset{0})), {});
  while (const auto decision = TRY(reader.next())) {
    TRY(see(decision->number, *flatbuffers::GetRoot<schema::Decision>(decision->payload.data())));
    if (std::ferror(stdout) != 0) break;  // main says so
  }
  return {};
}

Result<int> what_if(const Options& options) {
  const Rulebooks rulebooks = TRY(builtin_rulebooks());
  const Catalog catalog = TRY(open_catalog(options.catalog));
  auto candidate = load_rulebook(TRY(read_text_file(options.rulebook)));
  if (!candidate) {
    return fail(ErrorKind::kInvalid, options.rulebook + ": " + candidate.error().message +
                                         "; tenure rulebook check says all that is wrong");
  }
  const auto log = TRY(options.log.is_kafka() ? open_log_source(options.log)
                                              : open_log_or_mirror(options.log.data));
  ServicesHistory services(rulebooks);
  TRY(walk(*log, {partition_of(kServicesOrganization, log->partitions())},
           [&](Number number, const schema::Decision& decision) -> Result<void> {
             services.take(number, decision);
             return {};
           }));
  WhatIfCounts counts;
  Tally tally;
  for (PartitionId id{0}; id.value < log->partitions(); id = {id.value + 1}) {
    const bool concerned =
        options.org.empty() || partition_of(options.org, log->partitions()) == id.value;
    if (!concerned) continue;
    WhatIf what_if(rulebooks, catalog, {*candidate, options.org},
                   [&](Time time) { return services.at(time); });
    TRY(walk(*log, id, [&](Number number, const schema::Decision& decision) {
      return what_if.take(number, decision,
                          [&](const schema::Decision& was, const schema::Decision& would) {
                            count(tally, was, would);
                            print_difference(options, {id, number}, was, would);
                          });
    }));
    counts += what_if.counts();
  }
  print_summary(options, counts, tally);
  return kExitOk;
}

}  // namespace

void add_audit_what_if(CLI::App& audit, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* app = audit.add_subcommand(
      "whatif",
      "List the decisions that would differ under another rulebook. Each command is decided again "
      "in the state that the recorded decisions made, not in the one that the other rulebook would "
      "have led to: so each difference is due to the rules alone");
  add_log_options(*app, options->log, "The data directory, in use or not");
  app->add_option("--rulebook", options->rulebook, "A file with the rulebook, as JSON")->required();
  add_catalog_option(*app, options->catalog);
  app->add_option("--org", options->org,
                  "This organization alone, whatever rulebook it has; without it, all whose "
                  "rulebook has the same name");
  app->add_flag("--json", options->json, "A JSON object a line, the last one with the counts");
  app->final_callback(
      [&chosen, options] { chosen = [options] { return ended(what_if(*options)); }; });
}

}  // namespace tenure
