// Prints how many decisions a second the read models are rebuilt with on one core, beside what
// RocksDB takes for as many sorted rows. Usage: projection_speed [decisions] [organizations]
#include <rocksdb/db.h>

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <vector>

#include "engine/rulebooks/builtin.h"
#include "projections/queries/queries.h"
#include "projections/read_models.h"
#include "tests/projections/decision_maker.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

// By the clock, and of all cores together: the second says what it costs on a machine that others
// use too.
struct Took {
  double wall, cpu;
};
Took seconds_of(const std::function<void()>& work) {
  auto cpu_now = [] {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  };
  auto begin = std::chrono::steady_clock::now();
  double cpu_begin = cpu_now();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
          cpu_now() - cpu_begin};
}

struct Workload {
  struct Org {
    std::string id;
    uint64_t version = 0;
    std::vector<std::string> users;
    uint64_t added = 0;
  };

  Workload(MemoryLog& log, size_t organizations) : maker(log), orgs(organizations) {}

  void create(size_t index) {
    Org& org = orgs[index];
    std::string digits = std::to_string(index);
    org.id = "org-" + digits;
    org.users = {"owner-" + digits};
    decide(org, [&](EventSink& out) {
      auto& fbb = out.builder();
      out.add(schema::CreateOrganizationCreatedDirect(fbb, "Some company", "space@1",
                                                      org.users[0].c_str(), "per_space", "EUR"));
      out.add(schema::CreateMemberAddedDirect(fbb, org.users[0].c_str(), "OWNER"));
    });
    decide(org, [&](EventSink& out) {
      auto& fbb = out.builder();
      std::vector<flatbuffers::Offset<schema::MeterTerms>> meters{
          schema::CreateMeterTermsDirect(fbb, "api_requests", schema::MeterKind::counter)};
      out.add(schema::CreateSpaceCreatedDirect(
          fbb, "main", "Main", "free", schema::CreatePlanDirect(fbb, "free", 0, 0, &meters)));
    });
  }

  // 40 % added, 20 % other role, 5 % removed, 30 % usage, 5 % plan changes.
  void one() {
    Org& org = orgs[random() % orgs.size()];
    uint64_t dice = random() % 100;
    if (dice < 40 || org.users.size() < 2) return add_member(org);
    if (dice < 60) return change_role(org);
    if (dice < 65) return remove_member(org);
    if (dice < 95) return record_usage(org);
    change_plan(org);
  }

  void add_member(Org& org) {
    org.users.push_back(org.id + "-user-" + std::to_string(org.added++));
    decide(org, [&](EventSink& out) {
      out.add(schema::CreateMemberAddedDirect(out.builder(), org.users.back().c_str(), "MANAGER"));
    });
  }
  void change_role(Org& org) {
    const std::string& user = org.users[1 + random() % (org.users.size() - 1)];
    decide(org, [&](EventSink& out) {
      out.add(schema::CreateRoleChangedDirect(out.builder(), user.c_str(), "ADMIN", "MANAGER"));
    });
  }
  void remove_member(Org& org) {
    decide(org, [&](EventSink& out) {
      out.add(schema::CreateMemberRemovedDirect(out.builder(), org.users.back().c_str(), "ADMIN"));
    });
    org.users.pop_back();
  }
  void record_usage(Org& org) {
    decide(org, [&](EventSink& out) {
      auto& fbb = out.builder();
      std::vector<flatbuffers::Offset<schema::UsageEntry>> entries{
          schema::CreateUsageEntryDirect(fbb, "gateway", "1", "api_requests", 10, time)};
      out.add(schema::CreateUsageRecordedDirect(fbb, "main", &entries, 1));
    });
  }
  void change_plan(Org& org) {
    decide(org, [&](EventSink& out) {
      auto& fbb = out.builder();
      std::vector<flatbuffers::Offset<schema::MeterTerms>> meters{
          schema::CreateMeterTermsDirect(fbb, "api_requests", schema::MeterKind::counter)};
      out.add(schema::CreatePlanChangeRequestedDirect(
          fbb, "main", "basic", "free", "checkout", time,
          schema::CreatePlanDirect(fbb, "basic", 2000, 1, &meters)));
    });
  }

  void decide(Org& org, const std::function<void(EventSink&)>& fill) {
    std::string actor = "user:" + org.users[0];
    maker.add({.org = org.id, .actor = actor, .version = ++org.version, .time = ++time}, fill);
  }

  DecisionMaker maker;
  std::vector<Org> orgs;
  std::mt19937_64 random{1};
  int64_t time = 1'790'000'000'000'000;
};

// What RocksDB alone takes: rows of about this size, sorted, in batches, without a log.
Took raw_rows(size_t rows) {
  TemporaryDirectory directory;
  rocksdb::Options options;
  options.create_if_missing = true;
  options.allow_concurrent_memtable_write = false;
  options.write_buffer_size = 64u << 20;
  options.compression = rocksdb::kNoCompression;
  rocksdb::DB* opened = nullptr;
  CHECK(rocksdb::DB::Open(options, directory.path() + "/db", &opened).ok());
  std::unique_ptr<rocksdb::DB> db(opened);
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  std::string row(60, 'r');
  return seconds_of([&] {
    rocksdb::WriteBatch batch;
    for (size_t i = 0; i < rows; ++i) {
      char key[48];
      int size = std::snprintf(key, sizeof key, "org-%08zu|m|user-org-%04zu", i / 40, i % 40);
      CHECK(batch.Put({key, static_cast<size_t>(size)}, row).ok());
      if (i % 65536 == 65535) {
        CHECK(db->Write(write, &batch).ok());
        batch.Clear();
      }
    }
    CHECK(db->Write(write, &batch).ok());
  });
}

// May a random member do something in the space? From the rows on the disk, one question at a time.
void ask(const RowView& view, Workload& workload) {
  auto rulebooks = builtin_rulebooks();
  CHECK(rulebooks);
  QueryContext context{view, *rulebooks, {}, from_micros(workload.time)};
  constexpr size_t kQuestions = 200'000;
  std::vector<double> micros;
  for (size_t i = 0; i < kQuestions; ++i) {
    const Workload::Org& org = workload.orgs[workload.random() % workload.orgs.size()];
    const std::string& user = org.users[workload.random() % org.users.size()];
    CheckRequest question{org.id, "main", user, "resource.update", "service"};
    auto begin = std::chrono::steady_clock::now();
    auto answer = check(context, question);
    auto end = std::chrono::steady_clock::now();
    CHECK(answer && answer->allowed);
    micros.push_back(std::chrono::duration<double, std::micro>(end - begin).count());
  }
  std::ranges::sort(micros);
  std::printf("check: p50 %.1f us, p99 %.1f us of %zu\n", micros[kQuestions / 2],
              micros[kQuestions * 99 / 100], kQuestions);
}

void run(size_t decisions, size_t organizations) {
  MemoryLog log;
  Workload workload(log, organizations);
  for (size_t index = 0; index < organizations; ++index) workload.create(index);
  while (workload.maker.decisions() < decisions) workload.one();
  workload.maker.flush();

  TemporaryDirectory directory;
  Took took = seconds_of([&] {
    auto built = rebuild_read_models(directory.path() + "/models", log, {PartitionId{}});
    if (!built) std::fprintf(stderr, "%s\n", built.error().message.c_str());
    CHECK(built);
  });
  auto models = ReadModels::open(directory.path() + "/models", log, {PartitionId{}});
  CHECK(models);
  auto report = compare_rows(*(*models)->view(), *(*models)->view());
  CHECK(report);
  uint64_t rows = 0;
  for (uint64_t family : report->rows) rows += family;
  ask(*(*models)->view(), workload);
  Took probe = raw_rows(rows);
  std::printf(
      "projections: %zu decisions of %zu organizations: %.0f decisions/s, %.2f us of CPU each; "
      "%.2f rows a decision left\n"
      "probe: %.0f sorted rows/s into RocksDB alone, %.2f us of CPU each\n",
      decisions, organizations, static_cast<double>(decisions) / took.wall,
      1e6 * took.cpu / static_cast<double>(decisions),
      static_cast<double>(rows) / static_cast<double>(decisions),
      static_cast<double>(rows) / probe.wall, 1e6 * probe.cpu / static_cast<double>(rows));
}

}  // namespace
}  // namespace tenure::test

int main(int count, char** arguments) {
  size_t decisions = count > 1 ? std::stoul(arguments[1]) : 1'000'000;
  size_t organizations = count > 2 ? std::stoul(arguments[2]) : 10'000;
  tenure::test::run(decisions, organizations);
}
