#include "engine/personal/seal_command.h"

#include <algorithm>

#include "engine/domain/decide.h"
#include "engine/json/json_copy.h"
#include "engine/json/json_wire.h"
#include "engine/personal/sealed_box.h"

namespace tenure {

using namespace json;

namespace {

using flatbuffers::Table;
using schema::CommandEnvelope;
using schema::Sealed;

constexpr size_t kMaxReason = 500;
constexpr size_t kMaxName = 200;
constexpr size_t kMaxAddress = 500;
constexpr size_t kMaxEmail = 254;  // RFC 3696, erratum 1690

std::unexpected<Error> invalid(std::string_view code, std::string what) {
  return fail(ErrorKind::kInvalid, std::string(code) + ": " + std::move(what));
}

// Characters of text that is known to be UTF-8.
size_t characters(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

// Of UTF-8: below U+0020, U+007F, and U+0080 to U+009F (C2 80 to C2 9F).
bool has_control_characters(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c < 0x20 || c == 0x7f) return true;
    if (c == 0xc2 && static_cast<uint8_t>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

Result<void> check_clear(std::string_view field, const Sealed& sealed) {
  if (sealed.clear() && !sealed.box() && !sealed.subject()) return {};
  return invalid("malformed",
                 std::string(field) + " must be sent as `clear` only; it is sealed here");
}

Result<void> check_reason(const Sealed* reason) {
  if (!reason) return {};
  TRY(check_clear("reason", *reason));
  if (characters(view(*reason->clear())) <= kMaxReason) return {};
  return invalid("invalid_value", "reason must be at most 500 characters");
}

Result<void> check_line(std::string_view field, const Sealed* sealed, size_t max_characters) {
  if (!sealed) return {};
  TRY(check_clear(field, *sealed));
  const std::string_view text = view(*sealed->clear());
  const size_t length = characters(text);
  if (length >= 1 && length <= max_characters && !has_control_characters(text)) return {};
  return invalid("invalid_value", std::string(field) + " must be 1-" +
                                      std::to_string(max_characters) +
                                      " characters, none of them a control character");
}

std::string_view bare(std::string_view actor) {
  constexpr std::string_view kUser = "user:";
  return actor.starts_with(kUser) ? actor.substr(kUser.size()) : actor;
}

// What a command says of one person in personal text; nothing in most commands.
struct AboutPerson {
  struct Line {
    std::string_view field;
    const Sealed* text;
    size_t most;  // characters
  };
  std::string_view command;  // the table's name
  std::string_view person;   // under whose key it is sealed
  std::vector<Line> lines;

  bool says_something() const {
    return std::ranges::any_of(lines, [](const Line& line) { return line.text != nullptr; });
  }
};

AboutPerson about_person(const CommandEnvelope& envelope) {
  if (const auto* add = envelope.command_as_AddMember()) {
    return {"AddMember",
            view(*add->user()),
            {{"name", add->name(), kMaxName}, {"email", add->email(), kMaxEmail}}};
  }
  if (const auto* update = envelope.command_as_UpdateMember()) {
    return {"UpdateMember",
            view(*update->user()),
            {{"name", update->name(), kMaxName}, {"email", update->email(), kMaxEmail}}};
  }
  if (const auto* invite = envelope.command_as_InviteMember()) {
    return {"InviteMember", view(*invite->user()), {{"email", invite->email(), kMaxEmail}}};
  }
  // Who invoices are made out to is for whoever says it to answer for.
  if (const auto* details = envelope.command_as_SetBillingDetails()) {
    return {"SetBillingDetails",
            bare(view(*envelope.actor())),
            {{"name", details->name(), kMaxName},
             {"address", details->address(), kMaxAddress},
             {"tax_id", details->tax_id(), kMaxName},
             {"email", details->email(), kMaxEmail}}};
  }
  return {};
}

struct Person {
  explicit Person(std::string_view whose = {}) : subject(whose) {}
  std::string_view subject;
  PersonKey key{};
};

// Copies a command, each Sealed with its box in place of its text.
class SealingCopy final : public TableCopy {
 public:
  // `actor` owns what stands in the envelope, `user` what stands in the command.
  SealingCopy(const CommandEnvelope& envelope, const Person& actor, const Person& user)
      : envelope_(envelope), actor_(actor), user_(user) {}

  CommandBytes copy() {
    const auto& root = reinterpret_cast<const Table&>(envelope_);
    builder_.Finish(as_offset(copy_table(command_schema().root(), root)),
                    schema::CommandEnvelopeIdentifier());
    return trusted_command({builder_.GetBufferPointer(), builder_.GetSize()});
  }

 private:
  uint64_t copy_sealed(const TablePlan& plan, const FieldPlan& field,
                       const Sealed& sealed) override {
    const Person& person = &plan == &command_schema().root() ? actor_ : user_;
    const std::string name = plan.name + "." + field.name;
    const TextPlace place{view(*envelope_.org()), view(*envelope_.actor()), view(*envelope_.id()),
                          name};
    const auto box =
        builder_.CreateVector(seal_box(person.key, person.subject, place, view(*sealed.clear())));
    const auto subject = builder_.CreateString(person.subject.data(), person.subject.size());
    return schema::CreateSealed(builder_, 0, subject, box).o;
  }

  const CommandEnvelope& envelope_;
  const Person& actor_;
  const Person& user_;
};

// Whose text a command holds, and their keys.
struct People {
  std::optional<Person> actor, user;  // of the reason; of name and email
};

Result<People> people_of(const CommandEnvelope& envelope, PersonKeys& keys) {
  People people;
  std::vector<std::string_view> subjects;
  if (envelope.reason()) {
    subjects.push_back(people.actor.emplace(bare(view(*envelope.actor()))).subject);
  }
  if (const AboutPerson about = about_person(envelope); about.says_something()) {
    const bool themselves = about.person == bare(view(*envelope.actor()));
    if (!themselves && !is_valid_id(about.person)) {
      return invalid("invalid_id", "user is not a valid id");
    }
    subjects.push_back(people.user.emplace(about.person).subject);
  }
  const std::vector<PersonKey> found = TRY(keys.keys_of(subjects));
  if (people.actor) people.actor->key = found.front();
  if (people.user) people.user->key = found.back();
  return people;
}

Result<void> check_texts(const CommandEnvelope& envelope) {
  TRY(check_reason(envelope.reason()));
  for (const AboutPerson::Line& line : about_person(envelope).lines) {
    TRY(check_line(line.field, line.text, line.most));
  }
  return {};
}

// A box is a function of key, subject, place and text, so what opens to a text that seals to the
// same box was sealed here.
Result<void> verify_box(const CommandEnvelope& envelope, std::string_view field,
                        const Person& person, const Sealed* sealed) {
  if (!sealed) return {};
  const auto wrong = [&] {
    return invalid("malformed", std::string(field) +
                                    " was not sealed for this command; send it as `clear` only");
  };
  if (sealed->clear() || !sealed->subject() || !sealed->box()) return wrong();
  if (view(*sealed->subject()) != person.subject) return wrong();
  const std::span<const uint8_t> box(sealed->box()->data(), sealed->box()->size());
  const auto text = open_box(person.key, person.subject, box);
  if (!text) return wrong();
  const TextPlace place{view(*envelope.org()), view(*envelope.actor()), view(*envelope.id()),
                        field};
  if (!std::ranges::equal(seal_box(person.key, person.subject, place, *text), box)) return wrong();
  return {};
}

bool is_sealed(const Sealed* sealed) { return sealed && sealed->box(); }

}  // namespace

bool has_personal_text(const CommandBytes& command) {
  return command.get().reason() || about_person(command.get()).says_something();
}

Result<CommandBytes> seal_command(CommandBytes command, PersonKeys& keys) {
  if (!has_personal_text(command)) return command;
  const CommandEnvelope& envelope = command.get();
  TRY(check_texts(envelope));
  const People people = TRY(people_of(envelope, keys));
  return SealingCopy(envelope, people.actor.value_or(Person{}), people.user.value_or(Person{}))
      .copy();
}

Result<CommandBytes> seal_or_verify(CommandBytes command, PersonKeys& keys) {
  const CommandEnvelope& envelope = command.get();
  // An erasure names the person's key: also one that another process made a moment ago.
  if (envelope.command_as_EraseSubject()) TRY(keys.catch_up());
  const AboutPerson about = about_person(envelope);
  const bool sealed = is_sealed(envelope.reason()) ||
                      std::ranges::any_of(about.lines, is_sealed, &AboutPerson::Line::text);
  if (!sealed) return seal_command(std::move(command), keys);
  const People people = TRY(people_of(envelope, keys));
  if (people.actor) {
    TRY(verify_box(envelope, "CommandEnvelope.reason", *people.actor, envelope.reason()));
  }
  if (people.user) {
    for (const AboutPerson::Line& line : about.lines) {
      const std::string field = std::string(about.command) + "." + std::string(line.field);
      TRY(verify_box(envelope, field, *people.user, line.text));
    }
  }
  return command;
}

std::optional<std::string> KeyUnsealer::unseal(const Sealed& sealed) const {
  if (!sealed.subject() || !sealed.box()) return std::nullopt;
  const std::string_view subject = view(*sealed.subject());
  const std::optional<PersonKey> key = keys_.find(subject);
  if (!key) return std::nullopt;
  return open_box(*key, subject, {sealed.box()->data(), sealed.box()->size()});
}

}  // namespace tenure
