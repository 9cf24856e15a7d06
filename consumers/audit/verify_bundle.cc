#include <simdjson.h>

#include <charconv>
#include <cstring>
#include <set>

#include "consumers/audit/bundle.h"
#include "consumers/audit/decision_bytes.h"
#include "engine/json/json_edge.h"

namespace tenure {
namespace {

using simdjson::dom::element;

// Whatever `less` says, `more` says too.
bool says(element more, element less) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (less.get(object) == simdjson::SUCCESS) {
    for (const auto field : object) {
      element other;
      if (more[field.key].get(other) != simdjson::SUCCESS || !says(other, field.value))
        return false;
    }
    return true;
  }
  if (less.get(array) == simdjson::SUCCESS) {
    simdjson::dom::array others;
    if (more.get(others) != simdjson::SUCCESS || others.size() != array.size()) return false;
    for (size_t i = 0; i < array.size(); ++i) {
      if (!says(others.at(i), array.at(i))) return false;
    }
    return true;
  }
  return simdjson::minify(more) == simdjson::minify(less);
}

// The lines of a file, as JSON, one after the other.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  // Nothing at the end, and where a line is no JSON.
  std::optional<element> next() {
    if (rest_.empty()) return std::nullopt;
    const size_t end = std::min(rest_.find('\n'), rest_.size() - 1);
    element root;
    const auto error = parser_.parse(rest_.substr(0, end + 1)).get(root);
    rest_.remove_prefix(end + 1);
    if (error != simdjson::SUCCESS) return std::nullopt;
    return root;
  }
  bool done() const { return rest_.empty(); }

 private:
  simdjson::dom::parser parser_;
  std::string_view rest_;
};

std::string_view text_of(element from, std::string_view name) {
  std::string_view text;
  return from[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

class BundleVerifier {
 public:
  BundleVerifier(const NamedFiles& files, const std::vector<VerifierKey>& keys)
      : files_(files), keys_(keys) {}

  BundleVerification verify() {
    if (has_manifest()) {
      check_files();
      if (has_head()) check_records();
    }
    return std::move(told_);
  }

 private:
  void find(std::string finding) { told_.findings.push_back(std::move(finding)); }

  const std::string* file(const std::string& name) {
    const auto found = files_.find(name);
    if (found != files_.end()) return &found->second;
    find(name + " is missing");
    return nullptr;
  }

  // By a key that is trusted for this origin. What it is, for the finding.
  bool is_signed(const SignedNote& note, std::string_view origin, const std::string& what) {
    for (const VerifierKey& key : keys_) {
      if (key.name() != origin) continue;
      const auto by_it = key.has_signed(note);
      if (by_it == true) return true;
      if (by_it == false) {
        find(what + " was changed: its signature does not hold");
        return false;
      }
    }
    find(what + " is not signed by a key that you trust for " + std::string(origin));
    return false;
  }

  bool has_manifest() {
    const std::string* const text = file("manifest.json");
    const std::string* const signature = file("manifest.sig");
    if (text == nullptr || signature == nullptr) return false;
    if (parser_.parse(*text).get(manifest_) != simdjson::SUCCESS ||
        text_of(manifest_, "format") != kEvidenceFormat) {
      find("manifest.json is no manifest of " + std::string(kEvidenceFormat));
      return false;
    }
    told_.org = text_of(manifest_, "org");
    told_.origin = text_of(manifest_, "origin");
    const auto note = SignedNote::parse(*signature);
    if (!note) {
      find("manifest.sig: " + note.error().message);
      return true;
    }
    (void)is_signed(*note, told_.origin, "manifest.sig");
    if (note->text != manifest_text(*text)) {
      find("manifest.json was changed: it is not what manifest.sig signs");
    }
    return true;
  }

  void check_files() {
    TreeHasher hasher;
    std::set<std::string, std::less<>> listed = {"manifest.json", "manifest.sig"};
    simdjson::dom::array files;
    if (manifest_["files"].get(files) != simdjson::SUCCESS)
      return find("manifest.json lists no files");
    for (const element each : files) {
      const std::string name(text_of(each, "name"));
      listed.insert(name);
      const std::string* const content = file(name);
      if (content == nullptr) continue;
      const Hash hash = hasher.sha256(std::as_bytes(std::span(*content)));
      if (to_hex(hash) != text_of(each, "sha256")) {
        find(name + " was changed: its SHA-256 is not the manifest's");
      }
    }
    for (const auto& [name, content] : files_) {
      if (!listed.contains(name)) find(name + " is not listed in the manifest");
    }
  }

  bool has_head() {
    const std::string* const note = file("checkpoint");
    if (note == nullptr) return false;
    auto head = SignedHead::parse(*note);
    if (!head) {
      find("checkpoint: " + head.error().message);
      return false;
    }
    if (head->checkpoint.origin != told_.origin) find("checkpoint is of another log");
    if (!is_signed(*head, told_.origin, "checkpoint")) return false;
    told_.head = head->checkpoint;
    return true;
  }

  // A record's payload, aligned; nothing unless it is one of this organization.
  const schema::Decision* decision_in(const std::string& payload) {
    words_.assign((payload.size() + 7) / 8, 0);
    std::memcpy(words_.data(), payload.data(), payload.size());
    const auto decision = verify_decision(std::as_bytes(std::span(words_)).first(payload.size()));
    if (!decision) return nullptr;
    return (*decision)->command_nested_root()->org()->string_view() == told_.org ? *decision
                                                                                 : nullptr;
  }

  // Does what the record says stand in decisions.ndjson too, and nothing else?
  bool agrees(const std::string& position, size_t size, std::optional<element> shown) {
    std::string json;
    write_decision_json(position, std::as_bytes(std::span(words_)).first(size), json);
    element from_record;
    return shown && compared_.parse(json).get(from_record) == simdjson::SUCCESS &&
           says(*shown, from_record);
  }

  bool is_included(element record, const Position& position, const std::string& payload) {
    Proof proof;
    simdjson::dom::array hashes;
    if (record["proof"].get(hashes) != simdjson::SUCCESS) return false;
    for (const element each : hashes) {
      std::string_view text;
      const auto hash = each.get(text) == simdjson::SUCCESS ? hash_from_base64(text) : std::nullopt;
      if (!hash) return false;
      proof.push_back(*hash);
    }
    return verify_inclusion(position.number.value, told_.head->size,
                            hasher_.leaf(std::as_bytes(std::span(payload))), proof,
                            told_.head->root);
  }

  // The version that nothing before is missing from: what the manifest begins behind. Nothing where
  // that is a time.
  std::optional<uint64_t> before_the_first() const {
    const std::string_view from = text_of(manifest_, "from");
    uint64_t first = 0;
    const auto read = std::from_chars(from.data(), from.data() + from.size(), first);
    if (from.empty()) return 0;
    if (read.ec != std::errc{} || read.ptr != from.data() + from.size()) return std::nullopt;
    return first == 0 ? 0 : first - 1;
  }

  void check_record(element record, std::optional<element> shown) {
    const std::string name(text_of(record, "position"));
    const auto position = parse_position(name);
    const auto payload = from_base64(text_of(record, "payload"));
    if (!position || !payload) return find("records.ndjson: a line is no record");
    if (!is_included(record, *position, *payload)) {
      return find("record " + name + " is not covered by the head");
    }
    if (last_ && *last_ >= *position) find("record " + name + " stands out of order");
    last_ = position;
    const schema::Decision* const decision = decision_in(*payload);
    if (decision == nullptr) return find("record " + name + " is no decision of " + told_.org);
    ++told_.decisions;
    if (decision->outcome() == schema::Outcome::accepted) {
      if (!version_) version_ = before_the_first();
      if (version_ && decision->version() != *version_ + 1) {
        find("before record " + name + " an accepted decision is missing: version " +
             std::to_string(decision->version()) + " follows " + std::to_string(*version_));
      }
      version_ = decision->version();
    }
    if (!agrees(name, payload->size(), shown)) {
      find("decisions.ndjson does not say of " + name + " what the record says");
    }
  }

  void check_records() {
    const std::string* const records = file("records.ndjson");
    const std::string* const decisions = file("decisions.ndjson");
    if (records == nullptr || decisions == nullptr) return;
    Lines record(*records), shown(*decisions);
    while (!record.done()) {
      const auto line = record.next();
      if (!line) return find("records.ndjson: a line is no JSON");
      check_record(*line, shown.next());
    }
    if (!shown.done()) find("decisions.ndjson has a decision that is no record");
    uint64_t promised = 0;
    if (manifest_["decisions"].get(promised) != simdjson::SUCCESS || promised != told_.decisions) {
      find("the manifest promises " + std::to_string(promised) + " decisions; " +
           std::to_string(told_.decisions) + " hold");
    }
  }

  const NamedFiles& files_;
  const std::vector<VerifierKey>& keys_;
  BundleVerification told_;
  simdjson::dom::parser parser_, compared_;
  element manifest_;
  TreeHasher hasher_;
  std::vector<uint64_t> words_;
  std::optional<Position> last_;
  std::optional<uint64_t> version_;
};

}  // namespace

BundleVerification verify_bundle(const NamedFiles& files, const std::vector<VerifierKey>& keys) {
  return BundleVerifier(files, keys).verify();
}

}  // namespace tenure
