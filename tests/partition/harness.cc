#include "tests/partition/harness.h"

#include <cstdio>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "engine/log/log_reader.h"
#include "tests/domain/domain_machine.h"

namespace tenure::test {

const schema::Decision& KeptAnswer::decision() const {
  CHECK(bytes.size() > 0);
  return *flatbuffers::GetRoot<schema::Decision>(bytes.data());
}

schema::RejectionCode KeptAnswer::code() const {
  CHECK(decision().outcome() == schema::Outcome::rejected);
  return decision().rejection()->code();
}

CommandBytes command(std::string_view json) {
  static JsonReader reader(command_schema());
  const auto parsed = reader.read(json);
  if (!parsed) std::fprintf(stderr, "%s\n", parsed.error().message.c_str());
  CHECK(parsed.has_value());
  auto verified = verify_command(*parsed);
  if (!verified) std::fprintf(stderr, "%s\n", verified.error().message.c_str());
  CHECK(verified.has_value());
  return std::move(*verified);
}

std::string numbered(std::string_view name, uint64_t number) {
  return std::string(name).append(std::to_string(number));
}

std::string json(std::string_view id, std::string_view org, std::string_view actor,
                 std::string_view type, std::string_view what, std::string_view more) {
  std::string text = R"({"id":")";
  text.append(id).append(R"(","org":")").append(org).append(R"(","actor":")").append(actor);
  text.append(R"(","command_type":")").append(type).append(R"(","command":{)").append(what);
  return text.append("}").append(more).append("}");
}

std::string create(std::string_view id, std::string_view org) {
  return json(id, org, "user:olga", "CreateOrganization", R"("name":"Acme","rulebook":"space")");
}

std::string add(std::string_view id, std::string_view org, std::string_view user,
                std::string_view role) {
  return json(id, org, "user:olga", "AddMember",
              R"("user":")" + std::string(user) + R"(","role":")" + std::string(role) + '"');
}

Harness::Harness(StateStore& store, PartitionOptions options) : store_(store), options_(options) {}

PartitionHost Harness::begin_anew() {
  partition_.reset();
  jobs_.clear();
  posted_.clear();
  return {.post = [this](std::function<void()> job) { posted_.push_back(std::move(job)); },
          .run_aside = [this](std::function<void()> job) { jobs_.push_back(std::move(job)); },
          .tell_services =
              [this](std::shared_ptr<const Services> services) {
                told_services.push_back(std::move(services));
                on_told();
              },
          .services = [this] { return services_elsewhere; }};
}

namespace {
const Writer kWriter{.process = "test", .address = "", .build = "test"};
}  // namespace

Result<void> Harness::try_open() {
  PartitionHost host = begin_anew();
  log_->drop_waiting();
  partition_ = TRY(Partition::open(*log_, store_, test_rulebooks(), test_catalog(), kWriter, now,
                                   options_, host));
  return {};
}

void Harness::follow() {
  PartitionHost host = begin_anew();
  auto followed =
      Partition::follow(*log_, store_, test_rulebooks(), test_catalog(), now, options_, host);
  CHECK(followed.has_value());
  partition_ = *std::move(followed);
}

void Harness::claim() {
  partition_->claim(kWriter);
  settle();
  CHECK(partition_->is_writer());
}

void Harness::open() {
  const Result<void> opened = try_open();
  if (!opened) std::fprintf(stderr, "%s\n", opened.error().message.c_str());
  CHECK(opened.has_value());
}

size_t Harness::send(CommandBytes command, std::optional<uint64_t> source) {
  auto kept = std::make_shared<KeptAnswer>();
  answers_.push_back(kept);
  const Reply keep = [kept](const Answer& answer) {
    kept->kind = answer.kind;
    kept->number = answer.position.number.value;
    kept->message = answer.message;
    kept->bytes.assign(answer.decision.begin(), answer.decision.end());
    kept->times++;
  };
  partition_->submit(std::move(command), keep, source);
  return answers_.size() - 1;
}

const KeptAnswer& Harness::ask(std::string_view json) {
  const size_t index = send(json);
  settle();
  CHECK(answer(index).times == 1);
  return answer(index);
}

bool Harness::run_job() {
  if (jobs_.empty()) return false;
  const auto job = std::move(jobs_.front());
  jobs_.pop_front();
  job();
  return true;
}

bool Harness::run_posted() {
  if (posted_.empty()) return false;
  while (!posted_.empty()) {
    const auto job = std::move(posted_.front());
    posted_.pop_front();
    job();
  }
  return true;
}

void Harness::settle() {
  bool busy = true;
  while (busy) {
    busy = step();
    busy |= run_job();
    busy |= log_->pump();
    busy |= run_posted();
  }
}

void Harness::checkpoint() {
  settle();
  now += options_.checkpoint_every;
  settle();
  const auto mark = store_.mark();
  CHECK(mark && *mark && (*mark)->position.next_number == partition_->next_number());
}

std::vector<std::string> Harness::decisions() {
  std::vector<std::string> found;
  LogReader reader(std::move(*log_->read(options_.id, Offset{})), ReaderPosition{});
  while (true) {
    const auto next = reader.next();
    CHECK(next.has_value());
    if (!*next) return found;
    const auto payload = (*next)->payload;
    found.emplace_back(reinterpret_cast<const char*>(payload.data()), payload.size());
  }
}

}  // namespace tenure::test
