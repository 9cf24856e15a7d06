#include "tests/projections/world.h"

#include <algorithm>

#include "engine/base/check.h"
#include "tests/domain/random_commands.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {

World::World(const std::string& process, const Catalog& catalog)
    : machine_(DomainMachine::Keep::kHistory, test_rulebooks(), catalog) {
  auto session = log_.open_writer(kPartition, {.process = process, .address = "", .build = "test"});
  CHECK(session);
  session_ = *session;
}

const schema::Decision& World::apply(std::span<const uint8_t> command) {
  const schema::Decision& decision = machine_.apply(command, now);
  append_new();
  return decision;
}

std::string World::send(const std::string& org, const std::string& actor, const std::string& type,
                        const std::string& command) {
  std::string json = R"({"id":"sent-)" + std::to_string(++sent_) + R"(","org":")" + org +
                     R"(","actor":")" + actor + R"(","command_type":")" + type + R"(","command":)" +
                     command + "}";
  auto bytes = reader_.read(json);
  if (!bytes) std::fprintf(stderr, "%s in %s\n", bytes.error().message.c_str(), json.c_str());
  CHECK(bytes);
  const schema::Decision& decision = apply(*bytes);
  if (decision.outcome() == schema::Outcome::accepted) return "accepted";
  return schema::EnumNameRejectionCode(decision.rejection()->code());
}

void World::run_random(uint64_t seed, size_t count, size_t organizations) {
  RandomCommands commands(seed, {.organizations = organizations, .users = 12});
  for (size_t i = 0; i < count; ++i) {
    now += std::chrono::minutes(20);
    apply(commands.next(now));
  }
}

void World::append_new() {
  const auto& history = machine_.history();
  while (appended_ < history.size()) {
    Batch batch;
    batch.first = {appended_};
    batch.count = 1;
    append_record(batch.bytes, {.stamp = session_.stamp, .number = {appended_}, .acked = appended_},
                  std::as_bytes(std::span(history[appended_])));
    log_.append(kPartition, std::move(batch), [](const Result<void>& done) { CHECK(done); });
    CHECK(log_.pump());
    ++appended_;
  }
}

void catch_up(ReadModels& models) {
  for (;;) {
    auto more = models.step();
    if (!more) std::fprintf(stderr, "%s\n", more.error().message.c_str());
    CHECK(more);
    if (!*more) return;
  }
}

std::unique_ptr<ReadModels> open_models(const std::string& directory, World& world,
                                        const ReadModelsOptions& options) {
  auto models = ReadModels::open(directory, world.log(), {kPartition}, options);
  if (!models) std::fprintf(stderr, "%s\n", models.error().message.c_str());
  CHECK(models);
  catch_up(**models);
  return std::move(*models);
}

QueryContext context_of(const RowView& view, Time now, std::string viewer) {
  return {view, test_rulebooks(), {.user = std::move(viewer)}, now};
}

std::string difference(const RowView& expected, const RowView& actual) {
  auto report = compare_rows(expected, actual);
  if (!report) return report.error().message;
  return report->difference.value_or("");
}

std::string difference_to_rebuilt(World& world, const RowView& actual) {
  TemporaryDirectory directory;
  auto rebuilt = open_models(directory.path() + "/models", world);
  return difference(*rebuilt->view(), actual);
}

namespace {

class Answers {
 public:
  void add(const std::string& question, const Result<std::string>& answer) {
    text_ += question + ": " + (answer ? *answer : "error " + answer.error().message) + "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::vector<std::string> sorted_ids(const auto& map) {
  std::vector<std::string> ids;
  for (const auto& [id, value] : map) ids.push_back(id.str());
  std::ranges::sort(ids);
  return ids;
}

}  // namespace

std::string all_answers(const QueryContext& context, const Organization& organization) {
  const std::string& org = organization.id.str();
  const Page all{.limit = 5000, .cursor = {}};
  Answers answers;
  answers.add("organization", get_organization(context, org));
  answers.add("members", get_members(context, org, all));
  answers.add("groups", get_groups(context, org, all));
  answers.add("spaces", get_spaces(context, org, all));
  answers.add("invitations", get_invitations(context, org, all));
  answers.add("space roles", get_space_roles(context, org));
  for (const std::string& user : sorted_ids(organization.members)) {
    answers.add("member " + user, get_member(context, org, user));
    answers.add("roles by " + user, get_assignable_roles(context, org, user, ""));
  }
  for (const std::string& space : sorted_ids(organization.spaces)) {
    answers.add("space " + space, get_space(context, org, space));
    answers.add("its members", get_space_members(context, org, space, all));
    answers.add("its resources", get_resources(context, org, space, all));
    const auto exported = export_space(context, org, space, all);
    answers.add("its export", exported ? exported->lines
                                       : Result<std::string>(std::unexpected(exported.error())));
    answers.add("its usage", get_usage(context, org, space));
    answers.add("its billing", get_billing(context, org, space));
  }
  return answers.take();
}

}  // namespace tenure::test
