// `tenure audit export` and `verify-bundle`: evidence of an organization's decisions, made and
// verified.
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "consumers/audit/bundle.h"
#include "consumers/notary/verify_log.h"
#include "engine/base/murmur2.h"
#include "engine/log/log_reader.h"
#include "engine/personal/key_store.h"
#include "engine/personal/seal_command.h"
#include "engine/rulebooks/builtin.h"
#include "projections/queries/answer_writer.h"
#include "schemas/decision_generated.h"
#include "tools/server/data_directory.h"
#include "tools/server/kafka_keys.h"
#include "tools/tenure/audit.h"
#include "tools/tenure/audited_log.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

namespace fs = std::filesystem;

struct Options {
  LogFlags log;
  std::string org, from, to, out, bundle, keys;
  bool json = false;
};

// A version or a time.
struct Bound {
  std::optional<uint64_t> version;
  std::optional<Time> time;
};

Result<Bound> parse_bound(const std::string& text) {
  Bound bound;
  uint64_t version = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), version);
  if (text.empty()) return bound;
  if (read.ec == std::errc{} && read.ptr == text.data() + text.size()) {
    bound.version = version;
    return bound;
  }
  const auto time = parse_time(text);
  if (!time) {
    return fail(ErrorKind::kInvalid, "'" + text +
                                         "' is neither a version such as 7 nor a time such as "
                                         "2026-11-23T14:21:00Z");
  }
  bound.time = from_micros(*time);
  return bound;
}

bool is_before(const schema::Decision& decision, const Bound& bound) {
  return (bound.version && decision.version() < *bound.version) ||
         (bound.time && from_micros(decision.time()) < *bound.time);
}

bool is_after(const schema::Decision& decision, const Bound& bound) {
  return (bound.version && decision.version() > *bound.version) ||
         (bound.time && from_micros(decision.time()) > *bound.time);
}

// Texts of rulebooks by their pinned names: those of this build, and what the organization adopts.
class RulebookTexts {
 public:
  Result<void> open() {
    for (const char* text : builtin_rulebook_texts()) {
      texts_[TRY(load_rulebook(text))->pinned_name] = text;
    }
    return {};
  }
  void see(const schema::Decision& decision) {
    if (decision.events() == nullptr) return;
    for (const schema::EventBox* box : *decision.events()) {
      const auto* adopted = box->event_as_RulebookAdopted();
      if (adopted == nullptr || !Rulebooks::is_text(adopted->rulebook()->string_view())) continue;
      texts_[adopted->pinned()->str()] = adopted->rulebook()->str();
    }
  }
  // Nothing if this build has no text of that name.
  std::optional<std::string> find(const std::string& name) const {
    const auto found = texts_.find(name);
    return found == texts_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, std::string> texts_;
};

EvidenceRecord kept(const ValidDecision& decision) {
  EvidenceRecord record{.number = decision.number, .payload = {}, .size = decision.payload.size()};
  record.payload.resize((record.size + 7) / 8);
  std::memcpy(record.payload.data(), decision.payload.data(), record.size);
  return record;
}

// What lies of the organization in the range, up to what the head covers.
Result<void> collect(AuditedLog& log, const Options& options, uint64_t covered,
                     EvidenceSource& source) {
  const Bound from = TRY(parse_bound(options.from)), to = TRY(parse_bound(options.to));
  RulebookTexts texts;
  TRY(texts.open());
  LogReader reader(TRY(log.records->read(source.partition, Offset{0})), {});
  while (const auto found = TRY(reader.next())) {
    const auto& decision = *flatbuffers::GetRoot<schema::Decision>(found->payload.data());
    if (decision.command_nested_root()->org()->string_view() != options.org) continue;
    texts.see(decision);
    if (is_before(decision, from) || is_after(decision, to)) continue;
    if (found->number.value >= covered) {
      ++source.unsigned_decisions;
      continue;
    }
    source.records.push_back(kept(*found));
    if (decision.rulebook() == nullptr) continue;
    const std::string name = decision.rulebook()->str();
    if (auto text = texts.find(name)) source.rulebooks[name] = *std::move(text);
  }
  source.void_records = reader.void_records();
  if (source.records.empty() && source.unsigned_decisions == 0) {
    return fail(ErrorKind::kInvalid,
                "nothing was decided in an organization " + options.org + " in that range");
  }
  return {};
}

Result<void> write_file(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  if (file) return {};
  return fail(ErrorKind::kIo, "cannot write " + path + ": " + std::strerror(errno));
}

Result<void> write_bundle(const std::string& path, const NamedFiles& files) {
  std::error_code error;
  if (fs::exists(path, error)) {
    return fail(ErrorKind::kInvalid, path + " exists already; name another with --out");
  }
  if (path.ends_with(".tar")) return write_file(path, to_tar(files));
  for (const auto& [name, content] : files) {
    const fs::path file = fs::path(path) / name;
    fs::create_directories(file.parent_path(), error);
    if (error) return fail(ErrorKind::kIo, "cannot make " + path + ": " + error.message());
    TRY(write_file(file.string(), content));
  }
  return {};
}

Result<NamedFiles> read_bundle(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return from_tar(TRY(read_text_file(path)));
  NamedFiles files;
  for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
    if (entry.is_directory()) continue;
    files[fs::relative(entry.path(), path).string()] = TRY(read_text_file(entry.path().string()));
  }
  if (error) return fail(ErrorKind::kIo, "cannot read " + path + ": " + error.message());
  return files;
}

// What opens reasons: beside the log, or, of a log over Kafka, in a topic of their own. Null: they
// are not there, as in a copy of the log.
Result<std::unique_ptr<const PersonKeys>> keys_of_reasons(const LogFlags& flags) {
  if (flags.is_kafka()) {
    return KafkaKeys::open_to_read(
        {.connection = TRY(connection_of(flags.kafka)), .prefix = flags.kafka.prefix});
  }
  auto beside = KeyStore::open_to_read(posix_file_system(), DataDirectory{flags.data}.keys());
  if (!beside && beside.error().kind == ErrorKind::kNotFound) return nullptr;
  return beside;
}

Result<int> make(const Options& options) {
  // Only the directory has trees: over Kafka its mirror has the records, too.
  AuditedLog log = TRY(open_audited_log({.data = options.log.data, .kafka = {}}));
  const auto partitions = static_cast<uint32_t>(log.origins.size());
  EvidenceSource source{.org = options.org,
                        .partition = {partition_of(options.org, partitions)},
                        .from = options.from,
                        .to = options.to,
                        .records = {},
                        .rulebooks = {},
                        .made = SystemClock().now()};
  const size_t partition = source.partition.value;
  const std::string& origin = log.origins[partition];
  const SigningKey key = TRY(SigningKey::open(log.notary_directory + "/key.pem"));
  const auto believed = believe(log.heads[partition], origin, {key.public_key(origin)});
  if (believed.heads.empty()) {
    return fail(ErrorKind::kInvalid, "nothing of the log is signed yet by the key beside it");
  }
  const SignedHead& head = believed.heads.back();
  TRY(collect(log, options, head.checkpoint.size, source));
  const TreeFile tree = TRY(log.tree(source.partition));
  const auto keys = TRY(keys_of_reasons(options.log));
  std::optional<KeyUnsealer> unsealer;
  if (keys != nullptr) unsealer.emplace(*keys);
  TRY(write_bundle(options.out,
                   TRY(make_bundle(source, head, tree, key, unsealer ? &*unsealer : nullptr))));
  std::printf("%s: %zu decisions of %s, covered by %s; %lu behind it are left out\n",
              options.out.c_str(), source.records.size(), options.org.c_str(),
              describe(head.checkpoint).c_str(),
              static_cast<unsigned long>(source.unsigned_decisions));
  return kExitOk;
}

void write_verified(const BundleVerification& told) {
  AnswerWriter out;
  out.begin_object().boolean("sound", told.findings.empty());
  out.text("org", told.org).text("origin", told.origin).number("decisions", told.decisions);
  out.begin_array("findings");
  for (const std::string& finding : told.findings) out.text(finding);
  out.end_array().end_object();
  std::printf("%s\n", out.str().c_str());
}

Result<int> verify(const Options& options) {
  auto keys = parse_keys(TRY(read_text_file(options.keys)));
  if (!keys) return fail(keys.error().kind, options.keys + ": " + keys.error().message);
  const BundleVerification told = verify_bundle(TRY(read_bundle(options.bundle)), *keys);
  if (options.json) {
    write_verified(told);
  } else {
    for (const std::string& finding : told.findings) std::printf("BAD %s\n", finding.c_str());
    if (told.findings.empty()) {
      std::printf("%lu decisions of %s hold, covered by %s of %s\n",
                  static_cast<unsigned long>(told.decisions), told.org.c_str(),
                  describe(*told.head).c_str(), told.origin.c_str());
    }
  }
  return told.findings.empty() ? kExitOk : kExitRefused;
}

}  // namespace

void add_audit_export(CLI::App& audit, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* app = audit.add_subcommand(
      "export", "Evidence of what was decided in an organization, with proofs, for others to keep");
  add_log_options(*app, options->log,
                  "The data directory, in use or not; with --log kafka that of a process, and only "
                  "the keys of reasons are read from Kafka");
  app->add_option("--org", options->org, "The organization")->required();
  app->add_option("--from", options->from, "From this version or time on");
  app->add_option("--to", options->to, "Up to this version or time");
  app->add_option("--out", options->out, "A directory to make, or a file NAME.tar")->required();
  app->final_callback([&chosen, options] { chosen = [options] { return ended(make(*options)); }; });
}

void add_audit_verify_bundle(CLI::App& audit, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* app = audit.add_subcommand(
      "verify-bundle", "Does evidence hold? Offline: it takes the bundle and a key alone");
  app->add_option("bundle", options->bundle, "What tenure audit export made")->required();
  app->add_option("--key", options->keys,
                  "A file of the keys that you trust, as tenure audit key prints them; not from "
                  "the bundle")
      ->required();
  app->add_flag("--json", options->json);
  app->final_callback(
      [&chosen, options] { chosen = [options] { return ended(verify(*options)); }; });
}

}  // namespace tenure
