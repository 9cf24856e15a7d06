// `tenure audit verify`: does a log hold what was signed? Offline, and also beside a server.
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "consumers/notary/verify_log.h"
#include "projections/queries/answer_writer.h"
#include "tools/tenure/audit.h"
#include "tools/tenure/audited_log.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  LogFlags log;
  std::string keys, held, since;
  std::optional<uint32_t> partition;
  std::optional<uint64_t> from, to;
  bool json = false;
  bool of_a_range() const { return from || to; }
};

// What was found of one partition; log.findings holds what is wrong.
struct Found {
  PartitionId partition;
  std::string origin;
  size_t heads = 0;
  std::optional<TreeHead> last_head;
  LogVerification log;
  double seconds = 0;
};

std::function<void(uint64_t)> progress_on_terminal() {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [](uint64_t decisions) {
    std::fprintf(stderr, "\r%lu decisions", static_cast<unsigned long>(decisions));
  };
}

Result<SignedHead> read_head(const std::string& file) {
  auto head = SignedHead::parse(TRY(read_text_file(file)));
  if (!head) return fail(head.error().kind, file + ": " + head.error().message);
  return head;
}

LogVerification only(std::string finding) {
  LogVerification told;
  told.findings.push_back(std::move(finding));
  return told;
}

// Behind decision `number` - 1.
Result<ReaderPosition> place_of(LogSource& records, PartitionId id, uint64_t number) {
  if (number == 0) return ReaderPosition{};
  const Offset last = TRY(records.find(id, Number{number - 1}));
  const auto cursor = TRY(records.read(id, last));
  const auto record = TRY(cursor->next());
  if (!record) return fail(ErrorKind::kCorrupt, "the log ends before a decision that it named");
  return ReaderPosition{last.next(), Number{number}, record->prefix.stamp};
}

// What follows a head that was verified before. Its tree is that of the file, which must have its
// root.
Result<LogVerification> verify_since(const AuditedLog& log, PartitionId id, const SignedHead& since,
                                     const std::vector<SignedHead>& heads) {
  const uint64_t size = since.checkpoint.size;
  const TreeFile tree = TRY(log.tree(id));
  TreeHasher hasher;
  if (TRY(tree.leaves()) < size) {
    return only("the tree on disk ends before " + describe(since.checkpoint) +
                ": verify the whole log");
  }
  Frontier frontier = TRY(tree_frontier(tree, size));
  if (frontier.root(hasher) != since.checkpoint.root) {
    return only("the tree on disk has not the root of " + describe(since.checkpoint) +
                ": verify the whole log");
  }
  const auto from = place_of(*log.records, id, size);
  if (!from && from.error().kind == ErrorKind::kNotFound) {
    return only("the log is older than " + describe(since.checkpoint) +
                ", or cut below it: " + from.error().message);
  }
  const ReaderPosition position = TRY(from);
  return verify_log(TRY(log.records->read(id, position.next_offset)), position, std::move(frontier),
                    heads, progress_on_terminal());
}

Result<LogVerification> verify_part(const AuditedLog& log, PartitionId id, const Options& options,
                                    const std::vector<SignedHead>& heads) {
  if (heads.empty()) return only("no head covers the range");
  const SignedHead& head = heads.back();
  const uint64_t from = options.from.value_or(0);
  const uint64_t end = options.to ? *options.to + 1 : head.checkpoint.size;
  if (from >= end || end > head.checkpoint.size) {
    return fail(ErrorKind::kInvalid, "the range must lie in the decisions 0 to " +
                                         std::to_string(head.checkpoint.size - 1) +
                                         ", which the last head covers");
  }
  const TreeFile tree = TRY(log.tree(id));
  const auto place = place_of(*log.records, id, from);
  if (!place && place.error().kind == ErrorKind::kNotFound) {
    return only("the log ends before the range: " + place.error().message);
  }
  const ReaderPosition position = TRY(place);
  return verify_range(TRY(log.records->read(id, position.next_offset)), position, end, tree, head);
}

Result<LogVerification> verify_records(const AuditedLog& log, PartitionId id,
                                       const Options& options,
                                       const std::vector<SignedHead>& heads) {
  if (options.of_a_range()) return verify_part(log, id, options, heads);
  if (!options.since.empty()) {
    const SignedHead since = TRY(read_head(options.since));
    if (since.checkpoint.origin == log.origins[id.value]) {
      return verify_since(log, id, since, heads);
    }
  }
  return verify_log(TRY(log.records->read(id, Offset{0})), {}, {}, heads, progress_on_terminal());
}

Result<Found> verify_partition(AuditedLog& log, PartitionId id, const Options& options,
                               const std::vector<VerifierKey>& keys) {
  Found found{.partition = id, .origin = log.origins[id.value], .last_head = {}, .log = {}};
  const auto began = std::chrono::steady_clock::now();
  std::vector<SignedHead> heads = std::move(log.heads[id.value]);
  for (const std::string& file : {options.held, options.since}) {
    if (file.empty()) continue;
    SignedHead held = TRY(read_head(file));
    // One partition's head says nothing of another's; of another log it is refused below.
    if (names_partition(held.checkpoint, id)) heads.push_back(std::move(held));
  }
  BelievedHeads believed = believe(std::move(heads), found.origin, keys);
  found.heads = believed.heads.size();
  if (!believed.heads.empty()) found.last_head = believed.heads.back().checkpoint;
  found.log = TRY(verify_records(log, id, options, believed.heads));
  if (found.heads == 0 && (found.log.end > 0 || options.of_a_range())) {
    believed.findings.emplace_back("nothing is signed: no head of this log can be believed");
  }
  std::ranges::move(believed.findings,
                    std::inserter(found.log.findings, found.log.findings.begin()));
  found.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return found;
}

void print_found(const Found& found) {
  const LogVerification& log = found.log;
  std::printf("partition %u  %s\n", found.partition.value,
              found.origin.empty() ? "no claim yet" : found.origin.c_str());
  std::printf("  heads      %zu that can be believed%s\n", found.heads,
              found.last_head ? (", the last: " + describe(*found.last_head)).c_str() : "");
  std::printf("  decisions  %lu read, from %lu on, %.1f MB in %.2f s; %lu void records\n",
              static_cast<unsigned long>(log.end - log.begin),
              static_cast<unsigned long>(log.begin), static_cast<double>(log.bytes) * 1e-6,
              found.seconds, static_cast<unsigned long>(log.void_records));
  if (!log.met.empty()) {
    std::printf("  agrees     with %zu of them, up to size %lu\n", log.met.size(),
                static_cast<unsigned long>(log.met.back().size));
  }
  if (found.last_head && log.end > found.last_head->size) {
    std::printf("  unsigned   %lu decisions behind the last head\n",
                static_cast<unsigned long>(log.end - found.last_head->size));
  }
  for (const std::string& finding : log.findings) std::printf("BAD %s\n", finding.c_str());
}

void write_found(AnswerWriter& out, const Found& found) {
  out.begin_object();
  out.number("partition", found.partition.value).text("origin", found.origin);
  out.number("heads", found.heads).number("met", found.log.met.size());
  out.number("signed", found.last_head ? found.last_head->size : 0);
  out.number("from", found.log.begin).number("to", found.log.end);
  out.number("bytes", found.log.bytes).number("void_records", found.log.void_records);
  out.number("microseconds", static_cast<uint64_t>(found.seconds * 1e6));
  out.text("root", to_base64(found.log.root));
  out.begin_array("findings");
  for (const std::string& finding : found.log.findings) out.text(finding);
  out.end_array().end_object();
}

// What is signed of partitions that the log has not: it lost them, or is another.
Result<std::vector<std::string>> all_strays(const AuditedLog& log, const Options& options) {
  std::vector<std::string> strays = log.strays;
  for (const std::string& file : {options.held, options.since}) {
    if (file.empty()) continue;
    const SignedHead head = TRY(read_head(file));
    bool placed = false;
    for (PartitionId id{0}; id.value < log.heads.size(); id = {id.value + 1}) {
      placed = placed || names_partition(head.checkpoint, id);
    }
    if (!placed) strays.push_back(file + ", a head of " + head.checkpoint.origin);
  }
  return strays;
}

Result<int> verify(const Options& options) {
  AuditedLog log = TRY(open_audited_log(options.log));
  const std::vector<VerifierKey> keys = TRY(trusted_keys(options.keys, log));
  if (options.partition.value_or(0) >= log.origins.size()) {
    return fail(ErrorKind::kInvalid, "the log has " + std::to_string(log.origins.size()) +
                                         " partitions: 0 to " +
                                         std::to_string(log.origins.size() - 1));
  }
  const std::vector<std::string> strays = TRY(all_strays(log, options));
  bool sound = strays.empty();
  AnswerWriter out;
  out.begin_object().begin_array("partitions");
  for (PartitionId id{0}; id.value < log.origins.size(); id = {id.value + 1}) {
    if (options.partition.value_or(id.value) != id.value) continue;
    const Found found = TRY(verify_partition(log, id, options, keys));
    sound = sound && found.log.findings.empty();
    if (options.json) write_found(out, found);
    if (!options.json) print_found(found);
  }
  out.end_array().begin_array("strays");
  for (const std::string& stray : strays) {
    out.text(stray);
    if (options.json) continue;
    std::printf("BAD %s: the log has no such partition\n", stray.c_str());
  }
  out.end_array().boolean("sound", sound).end_object();
  if (options.json) std::printf("%s\n", out.str().c_str());
  if (!options.json) std::printf(sound ? "the log holds what was signed\n" : "");
  return sound ? kExitOk : kExitRefused;
}

}  // namespace

void add_audit_verify(CLI::App& audit, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* app = audit.add_subcommand(
      "verify",
      "Recompute the trees from the records and compare them with every signed head; a line for "
      "each finding, and 1 if there is any");
  add_log_options(*app, options->log, "The data directory, in use or not; a copy of one will do");
  app->add_option(
      "--key", options->keys,
      "A file of the keys that you trust, as tenure audit key prints them; without it "
      "the key beside the log is taken, which whoever changed the log may have changed");
  app->add_option("--head", options->held,
                  "A file with a head that you hold: the log must not be older");
  auto* since =
      app->add_option("--since", options->since,
                      "A file with a head that you verified before: only what follows it is read");
  app->add_option("--partition", options->partition, "This one alone; without it, all");
  auto* from = app->add_option("--from", options->from, "Decisions from this number on alone");
  auto* to = app->add_option("--to", options->to, "And up to this one");
  from->excludes(since);
  to->excludes(since);
  app->add_flag("--json", options->json);
  app->final_callback(
      [&chosen, options] { chosen = [options] { return ended(verify(*options)); }; });
}

}  // namespace tenure
