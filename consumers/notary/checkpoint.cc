#include "consumers/notary/checkpoint.h"

#include <charconv>

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

constexpr std::string_view kSignatureBegins = "\xe2\x80\x94 ";  // an em dash and a blank
constexpr std::string_view kTimeBegins = "time ";

std::unexpected<Error> nonsense(const std::string& what) {
  return fail(ErrorKind::kInvalid, "not a signed note: " + what);
}

// Takes the next line off `text`, without its end; nothing if there is no whole one.
std::optional<std::string_view> take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Result<NoteSignature> parse_signature(std::string_view line) {
  line.remove_prefix(kSignatureBegins.size());
  const size_t blank = line.find(' ');
  if (blank == std::string_view::npos || blank == 0) return nonsense("a signature without a name");
  const auto bytes = from_base64(line.substr(blank + 1));
  if (!bytes || bytes->size() < 5) return nonsense("a signature that is not base64");
  return NoteSignature{std::string(line.substr(0, blank)), bytes->substr(0, 4), bytes->substr(4)};
}

Result<TreeHead> parse_checkpoint(std::string_view text) {
  TreeHead checkpoint;
  const auto origin = take_line(text), size = take_line(text), root = take_line(text);
  if (!origin || origin->empty() || !size || !root) {
    return nonsense("it begins with an origin, a size and a root");
  }
  checkpoint.origin = *origin;
  const char* end = size->data() + size->size();
  const auto number = std::from_chars(size->data(), end, checkpoint.size);
  const bool plain =
      number.ec == std::errc{} && number.ptr == end && (size->size() == 1 || size->front() != '0');
  if (!plain) return nonsense("its size is not a number");
  const auto hash = hash_from_base64(*root);
  if (!hash) return nonsense("its root is not the base64 of 32 bytes");
  checkpoint.root = *hash;
  while (const auto line = take_line(text)) {
    if (!line->starts_with(kTimeBegins)) continue;
    const auto time = parse_time(line->substr(kTimeBegins.size()));
    if (!time) return nonsense("its time is none");
    checkpoint.time = from_micros(*time);
  }
  return checkpoint;
}

// Takes the first note off `text`; `text` stays where there is none.
Result<SignedNote> take_note(std::string_view& text) {
  std::string_view rest = text;
  SignedNote note;
  for (;;) {
    const auto line = take_line(rest);
    if (!line) return nonsense("it ends before its signatures");
    if (line->empty()) break;
  }
  note.text = text.substr(0, text.size() - rest.size() - 1);
  while (rest.starts_with(kSignatureBegins)) {
    const auto line = take_line(rest);
    if (!line) return nonsense("it ends inside a signature");
    note.signatures.push_back(TRY(parse_signature(*line)));
  }
  if (note.signatures.empty()) return nonsense("it has no signature");
  text = rest;
  return note;
}

Result<SignedHead> take_head(std::string_view& text) {
  std::string_view rest = text;
  SignedHead head;
  static_cast<SignedNote&>(head) = TRY(take_note(rest));
  head.checkpoint = TRY(parse_checkpoint(head.text));
  text = rest;
  return head;
}

// A crash leaves less than a note; what has all its lines and is none was damaged.
bool has_signature_line(std::string_view text) {
  const size_t blank = text.find("\n\n");
  return blank != std::string_view::npos && text.find('\n', blank + 2) != std::string_view::npos;
}

}  // namespace

std::string origin_of(std::string_view log_id, PartitionId partition) {
  std::string origin = "tenure/";
  origin += log_id;
  return origin + "/" + std::to_string(partition.value);
}

std::string TreeHead::text() const {
  std::string text = origin + "\n" + std::to_string(size) + "\n" + to_base64(root) + "\n";
  if (time) text += std::string(kTimeBegins) + format_time(to_micros(*time)) + "\n";
  return text;
}

std::string SignedNote::note() const {
  std::string note = text + "\n";
  for (const NoteSignature& each : signatures) {
    const std::string bytes = each.key_id + each.signature;
    note += std::string(kSignatureBegins) + each.name + " " +
            to_base64({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}) + "\n";
  }
  return note;
}

Result<SignedNote> SignedNote::parse(std::string_view note) {
  SignedNote parsed = TRY(take_note(note));
  if (!note.empty()) return nonsense("something stands behind it");
  return parsed;
}

Result<SignedHead> SignedHead::parse(std::string_view note) {
  SignedHead head = TRY(take_head(note));
  if (!note.empty()) return nonsense("something stands behind it");
  return head;
}

Result<std::vector<SignedHead>> parse_heads(std::string_view text, size_t* torn) {
  std::vector<SignedHead> heads;
  const std::string_view whole = text;
  while (!text.empty()) {
    auto head = take_head(text);
    if (!head && torn != nullptr && !has_signature_line(text)) {
      *torn = whole.size() - text.size();
      break;
    }
    heads.push_back(TRY(std::move(head)));
  }
  return heads;
}

}  // namespace tenure
