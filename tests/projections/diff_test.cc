// What changed between two moments; and that an organization's past costs what it did, and not what
// others did in the same log.
#include "projections/queries/diff.h"

#include <gmock/gmock.h>
#include <simdjson.h>

#include "projections/queries/log_decision.h"
#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Counts what is read of the log under it.
class CountingLog final : public DecisionLog {
 public:
  explicit CountingLog(DecisionLog& log) : log_(log) {}
  uint64_t records = 0;

  Result<Session> open_writer(PartitionId, const Writer&) override {
    return fail(ErrorKind::kInvalid, "it is for reading");
  }
  void append(PartitionId, Batch, Done) override {}
  Result<Offset> find(PartitionId partition, Number number) override {
    return log_.find(partition, number);
  }
  Offset durable_end(PartitionId partition) const override { return log_.durable_end(partition); }
  Result<std::unique_ptr<RecordCursor>> read(PartitionId partition, Offset from) override {
    return std::make_unique<Cursor>(TRY(log_.read(partition, from)), records);
  }

 private:
  class Cursor final : public RecordCursor {
   public:
    Cursor(std::unique_ptr<RecordCursor> cursor, uint64_t& records)
        : cursor_(std::move(cursor)), records_(records) {}
    Result<std::optional<RawRecord>> next() override {
      ++records_;
      return cursor_->next();
    }

   private:
    std::unique_ptr<RecordCursor> cursor_;
    uint64_t& records_;
  };
  DecisionLog& log_;
};

class DiffTest : public testing::Test {
 protected:
  void send(const std::string& actor, const std::string& type, const std::string& command,
            const std::string& org = "acme") {
    world_.now += std::chrono::hours(1);
    ASSERT_EQ(world_.send(org, actor, type, command), "accepted") << type << command;
  }

  // Two moments of acme; each change as "kind id was -> is by position".
  std::vector<std::string> diff(Moment from, Moment to) {
    auto models = open_models(directory_.path() + "/" + std::to_string(++opened_), world_);
    const auto view = models->view();
    const auto past = [&](Moment moment) {
      return as_of(*view, log_, kPartition, "acme", moment).value();
    };
    const auto told = get_diff(context_of(*view, world_.now), "acme", past(from), past(to));
    EXPECT_TRUE(told) << told.error().message;
    if (!told) return {};
    simdjson::dom::parser parser;
    const simdjson::dom::element root = parser.parse(*told);
    std::vector<std::string> lines;
    for (const simdjson::dom::element change : root["changes"].get_array()) {
      std::string line;
      for (const char* name : {"kind", "id", "was", "is", "position"}) {
        std::string_view text;
        if (!line.empty()) line += " | ";
        line += change[name].get(text) == simdjson::SUCCESS ? text : "-";
      }
      lines.push_back(line);
    }
    return lines;
  }

  TemporaryDirectory directory_;
  World world_;
  CountingLog log_{world_.log()};
  int opened_ = 0;
};

TEST_F(DiffTest, TellsWhoAndWhatCameWentAndChanged) {
  send("user:ann", "CreateOrganization", R"({"name":"Acme","rulebook":"anaphora"})");
  send("user:ann", "AddMember", R"({"user":"bob","role":"USER"})");
  send("user:ann", "AddMember", R"({"user":"cy","role":"USER"})");
  send("user:ann", "CreateSpace", R"({"space":"web","name":"Web"})");
  send("user:ann", "GrantAccess",
       R"({"space":"web","subject":"user:bob","roles":["Readonly"]})");  // version 5
  const Time noon = world_.now;
  EXPECT_THAT(diff(uint64_t{5}, uint64_t{5}), IsEmpty());

  send("user:ann", "ChangeRole", R"({"user":"bob","role":"SYSTEM_ADMIN"})");
  send("user:ann", "RemoveMember", R"({"user":"cy"})");
  send("user:ann", "AddMember", R"({"user":"di","role":"USER"})");
  send("user:ann", "CreateGroup", R"({"group":"dev","name":"Developers"})");
  send("user:ann", "AddToGroup", R"({"group":"dev","user":"di"})");
  send("user:ann", "RevokeAccess", R"({"space":"web","subject":"user:bob"})");
  send("user:ann", "GrantAccess", R"({"space":"web","subject":"group:dev","roles":["Admin"]})");
  send("user:ann", "RenameSpace", R"({"space":"web","name":"World"})");
  send("user:ann", "RenameOrganization", R"({"name":"Acme Two"})");
  send("user:ann", "SuspendMember", R"({"user":"di"})");
  const std::vector<std::string> changes = diff(noon, world_.now);
  EXPECT_THAT(
      changes,
      ElementsAre("organization | name | Acme | Acme Two | -",
                  "member | bob | USER | SYSTEM_ADMIN | 0:5", "member | cy | USER | - | -",
                  "member | di | - | USER (suspended) | 0:14", "group | dev | - | Developers | 0:8",
                  "group_member | dev/di | - | in it | 0:9", "space | web | Web | World | 0:12",
                  "access | web/group:dev | - | Admin | 0:11",
                  "access | web/user:bob | Readonly | - | -"));
  EXPECT_EQ(diff(uint64_t{5}, uint64_t{15}), changes);
  EXPECT_EQ(diff(uint64_t{15}, uint64_t{5}).size(), changes.size());
}

TEST_F(DiffTest, CountsResourcesAndNamesPlans) {
  send("user:ann", "CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  send("user:ann", "CreateSpace", R"({"space":"web","name":"Web"})");
  send("user:ann", "CreateResource",
       R"({"space":"web","type":"service","resource":"a","name":"A"})");
  send("user:ann", "CreateResource",
       R"({"space":"web","type":"service","resource":"b","name":"B"})");
  send("user:ann", "DeleteResource", R"({"space":"web","resource":"a"})");
  EXPECT_THAT(diff(uint64_t{2}, uint64_t{4}), ElementsAre("resources | web/service | - | 2 | -"));
  EXPECT_THAT(diff(uint64_t{4}, uint64_t{5}), ElementsAre("resources | web/service | 2 | 1 | -"));
  EXPECT_THAT(diff(uint64_t{1}, uint64_t{2}),
              ElementsAre("space | web | - | Web | 0:1", "plan | web | - | unmetered (free) | -"));
}

TEST_F(DiffTest, IsForThoseWhoMayReadTheHistory) {
  send("user:ann", "CreateOrganization", R"({"name":"Acme","rulebook":"anaphora"})");
  send("user:ann", "AddMember", R"({"user":"eve","role":"USER"})");
  auto models = open_models(directory_.path() + "/models", world_);
  const auto view = models->view();
  const auto past = as_of(*view, log_, kPartition, "acme", Moment(uint64_t{1})).value();
  for (const auto& [viewer, may] : {std::pair("ann", true), {"eve", false}, {"stranger", false}}) {
    const auto told = get_diff(context_of(*view, world_.now, viewer), "acme", past, past);
    EXPECT_EQ(told.has_value(), may) << viewer;
    EXPECT_TRUE(told || told.error().kind == ErrorKind::kNotFound) << viewer;
  }
}

// A thousand decisions of others stand between those of acme: they are not read.
TEST_F(DiffTest, ThePastOfOneOrganizationNeverScansTheLog) {
  send("user:ann", "CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
  uint64_t own = 1;
  for (int round = 0; round < 10; ++round) {
    world_.run_random(static_cast<uint64_t>(round), 100, 3);
    send("user:ann", "CreateSpace", R"({"space":"s)" + std::to_string(round) + R"(","name":"S"})");
    ++own;
  }
  ASSERT_GT(world_.decisions(), 1000);
  auto models = open_models(directory_.path() + "/models", world_);
  const auto view = models->view();
  log_.records = 0;
  const auto early = as_of(*view, log_, kPartition, "acme", Moment(uint64_t{2})).value();
  const auto late = as_of(*view, log_, kPartition, "acme", Moment(own)).value();
  ASSERT_TRUE(get_diff(context_of(*view, world_.now), "acme", early, late));
  EXPECT_LE(log_.records, 2 + own);
  log_.records = 0;
  uint64_t shown = 0;
  std::string cursor;
  do {
    const HistoryPage page =
        get_history(context_of(*view, world_.now), "acme", "", {.limit = 3, .cursor = cursor})
            .value();
    for (const uint64_t number : page.numbers) {
      ASSERT_TRUE(read_decision(log_, kPartition, number));
      ++shown;
    }
    cursor = page.next;
  } while (!cursor.empty());
  EXPECT_EQ(shown, own);
  EXPECT_EQ(log_.records, own);
}

}  // namespace
}  // namespace tenure::test
