#include <set>

#include "consumers/audit/bundle.h"
#include "engine/base/html.h"
#include "projections/queries/answer_writer.h"
#include "schemas/decision_generated.h"

namespace tenure {
namespace {

const schema::Decision& decision_of(const EvidenceRecord& record) {
  return *flatbuffers::GetRoot<schema::Decision>(record.payload.data());
}

std::string position_of(const EvidenceSource& source, const EvidenceRecord& record) {
  return format_position({source.partition, record.number});
}

// Reasons that were given and that nobody can read any more.
std::vector<std::string> unreadable_reasons(const EvidenceSource& source,
                                            const Unsealer* unsealer) {
  std::vector<std::string> positions;
  for (const EvidenceRecord& record : source.records) {
    const auto* reason = decision_of(record).command_nested_root()->reason();
    if (reason == nullptr || (unsealer != nullptr && unsealer->unseal(*reason))) continue;
    positions.push_back(position_of(source, record));
  }
  return positions;
}

// Rulebooks that decisions were made under and whose text is not at hand: of another build.
std::set<std::string> unknown_rulebooks(const EvidenceSource& source) {
  std::set<std::string> names;
  for (const EvidenceRecord& record : source.records) {
    const auto* name = decision_of(record).rulebook();
    if (name != nullptr && !source.rulebooks.contains(name->str())) names.insert(name->str());
  }
  return names;
}

void cell(std::string& out, std::string_view text) { (out += "<td>") += html_text(text); }

void write_row(std::string& out, const EvidenceSource& source, const EvidenceRecord& record,
               const Unsealer* unsealer) {
  const schema::Decision& decision = decision_of(record);
  const schema::CommandEnvelope& command = *decision.command_nested_root();
  out += "<tr>";
  cell(out, position_of(source, record));
  cell(out, format_time(decision.time()));
  cell(out, command.actor()->string_view());
  cell(out, command.sent_by() ? command.sent_by()->string_view() : "");
  const char* const type = schema::EnumNameCommand(command.command_type());
  cell(out, type);
  std::string said;
  if (command.command() != nullptr) {
    write_json(decision_schema(), type, command.command(), said, unsealer);
  }
  cell(out, said);
  std::string outcome = "accepted";
  std::string changes;
  if (const auto* rejection = decision.rejection()) {
    outcome = std::string("refused: ") + schema::EnumNameRejectionCode(rejection->code());
    changes = rejection->message()->str() + " (" + rejection->rule()->str() + ")";
  } else if (decision.events() != nullptr) {
    for (const schema::EventBox* box : *decision.events()) {
      if (!changes.empty()) changes += ", ";
      changes += schema::EnumNameEvent(box->event_type());
    }
  }
  cell(out, outcome);
  cell(out, changes);
  std::string reason;
  if (const auto* sealed = command.reason()) {
    reason = (unsealer ? unsealer->unseal(*sealed) : std::nullopt)
                 .value_or("(given, and not readable any more)");
  }
  cell(out, reason);
  cell(out, decision.rulebook() ? decision.rulebook()->string_view() : "");
  out += "\n";
}

std::string page(const EvidenceSource& source, const SignedHead& head, const std::string& signer,
                 const std::vector<std::string>& unreadable, const Unsealer* unsealer) {
  std::string out =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Evidence</title><style>"
      "body{font:15px/1.5 sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem}"
      "td,th{padding:.15rem .8rem .15rem 0;vertical-align:top;text-align:left}code{font-size:90%}"
      "</style>\n<h1>What was decided in " +
      html_text(source.org) + "</h1>\n";
  const auto line = [&](const std::string& text) { out += "<p>" + html_text(text) + "</p>\n"; };
  line(std::to_string(source.records.size()) + " decisions" +
       (source.from.empty() ? "" : ", from " + source.from) +
       (source.to.empty() ? "" : ", to " + source.to) + ". Made at " +
       format_time(to_micros(source.made)) + ".");
  line("Each record is proved to be part of the log " + head.checkpoint.origin +
       " as it was signed with size " + std::to_string(head.checkpoint.size) + " and root " +
       to_base64(head.checkpoint.root) + ", by the key " + signer + ".");
  out +=
      "<p>To verify, with a key that you have from elsewhere: <code>tenure audit verify-bundle "
      "THIS --key FILE</code>, or with Python alone: <code>verify.py bundle THIS --key FILE"
      "</code>.</p>\n<h2>What is missing</h2>\n";
  line(std::to_string(source.unsigned_decisions) +
       " decisions of the range were not signed yet and are left out.");
  line(std::to_string(source.void_records) +
       " void records of the partition count for nothing: late writes of a process that had lost "
       "it.");
  line(std::to_string(unreadable.size()) +
       " reasons cannot be read here: their people were erased, or the keys are elsewhere.");
  line(
      "Accepted decisions are numbered by the organization's version without a gap. Of refused "
      "ones the signature on the manifest vouches that none was left out.");
  out +=
      "<h2>Decisions</h2>\n<table><tr><th>position<th>time<th>who<th>from where<th>what<th>in its "
      "words<th>outcome"
      "<th>changes, or why not<th>reason<th>rulebook\n";
  for (const EvidenceRecord& record : source.records) write_row(out, source, record, unsealer);
  out += "</table>\n<h2>Rulebooks in force</h2>\n<ul>";
  for (const std::string& name : unknown_rulebooks(source)) {
    out += "<li>" + html_text(name) + " (its text is not known to the build that made this)\n";
  }
  for (const auto& [name, text] : source.rulebooks) {
    out += "<li><a href=\"rulebooks/" + html_text(name) + ".json\">" + html_text(name) + "</a>\n";
  }
  return out + "</ul></html>\n";
}

Result<std::string> records_with_proofs(const EvidenceSource& source, const SignedHead& head,
                                        const NodeSource& nodes) {
  std::string lines;
  for (const EvidenceRecord& record : source.records) {
    const Proof proof = TRY(inclusion_proof(nodes, record.number.value, head.checkpoint.size));
    const auto bytes = record.bytes();
    AnswerWriter out;
    out.begin_object().text("position", position_of(source, record));
    out.text("payload", to_base64({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}));
    out.begin_array("proof");
    for (const Hash& hash : proof) out.text(to_base64(hash));
    out.end_array().end_object();
    (lines += out.str()) += '\n';
  }
  return lines;
}

std::string manifest(const EvidenceSource& source, const SignedHead& head,
                     const std::string& signer, const std::vector<std::string>& unreadable,
                     const NamedFiles& files) {
  TreeHasher hasher;
  AnswerWriter out;
  out.begin_object().text("format", kEvidenceFormat).text("org", source.org);
  out.text("origin", head.checkpoint.origin).number("partition", source.partition.value);
  out.text("from", source.from).text("to", source.to).time("made", to_micros(source.made));
  out.number("decisions", source.records.size());
  out.number("size", head.checkpoint.size).text("root", to_base64(head.checkpoint.root));
  out.text("signer", signer);
  out.begin_object("missing").number("unsigned_decisions", source.unsigned_decisions);
  out.number("void_records", source.void_records).begin_array("unreadable_reasons");
  for (const std::string& position : unreadable) out.text(position);
  out.end_array().begin_array("rulebooks");
  for (const std::string& name : unknown_rulebooks(source)) out.text(name);
  out.end_array().end_object();
  out.begin_array("files");
  for (const auto& [name, content] : files) {
    out.begin_object().text("name", name).number("bytes", content.size());
    out.text("sha256", to_hex(hasher.sha256(std::as_bytes(std::span(content))))).end_object();
  }
  out.end_array().end_object();
  return out.str() + "\n";
}

}  // namespace

std::string manifest_text(std::string_view manifest) {
  return std::string(kEvidenceFormat) + "\n" +
         to_hex(TreeHasher().sha256(std::as_bytes(std::span(manifest)))) + "\n";
}

Result<NamedFiles> make_bundle(const EvidenceSource& source, const SignedHead& head,
                               const NodeSource& nodes, const SigningKey& key,
                               const Unsealer* unsealer) {
  const std::string signer = key.public_key(head.checkpoint.origin).text();
  const auto unreadable = unreadable_reasons(source, unsealer);
  NamedFiles files;
  std::string& decisions = files["decisions.ndjson"];
  for (const EvidenceRecord& record : source.records) {
    write_decision_json(position_of(source, record), record.bytes(), decisions, unsealer);
    decisions += '\n';
  }
  files["records.ndjson"] = TRY(records_with_proofs(source, head, nodes));
  files["checkpoint"] = head.note();
  for (const auto& [name, text] : source.rulebooks) files["rulebooks/" + name + ".json"] = text;
  files["index.html"] = page(source, head, signer, unreadable, unsealer);
  std::string described = manifest(source, head, signer, unreadable, files);
  files["manifest.sig"] = key.sign(head.checkpoint.origin, manifest_text(described)).note();
  files["manifest.json"] = std::move(described);
  return files;
}

}  // namespace tenure
