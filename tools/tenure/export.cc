// `tenure export`: all events and the read models of a log, for analytics; beside whoever writes
// it.
#include "consumers/analytics/export.h"

#include <cstdio>
#include <filesystem>

#include "engine/log/log_id.h"
#include "engine/log/segment_snapshot.h"
#include "tools/tenure/log_source.h"
#include "tools/tenure/offline.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  LogFlags log;
  std::string to = "ndjson", out, work;
  bool json = false;
};

Result<std::unique_ptr<ExportTarget>> open_target(const Options& options) {
  if (options.to == "sqlite") return open_sqlite_target(options.out);
  if (options.to == "postgres") return open_postgres_target(options.out);
  return open_file_target(options.out,
                          options.to == "csv" ? ExportFormat::kCsv : ExportFormat::kNdjson);
}

// Of files: inside, where nobody who reads the export looks; of a database: beside it.
std::string work_directory(const Options& options) {
  if (!options.work.empty()) return options.work;
  if (options.to == "postgres") return "tenure-export.read-models";
  return options.out + (options.to == "sqlite" ? ".read-models" : "/.read-models");
}

Result<ExportReport> export_of_kafka(const Options& options, ExportTarget& target) {
  const auto source = TRY(open_log_source(options.log));
  const std::string log_id = TRY(log_id_of(*TRY(source->read(PartitionId{}, Offset{0}))));
  OfflineData offline = TRY(open_offline(options.log, "tenure export"));
  return export_log(*offline.log, log_id, offline.partitions, work_directory(options), target);
}

Result<ExportReport> export_of_files(const Options& options, ExportTarget& target) {
  const DataDirectory data = TRY(DataDirectory::existing(options.log.data));
  const auto log = TRY(SegmentSnapshot::open(posix_file_system(), data.log()));
  return export_log(*log, log->log_id(), {PartitionId{}}, work_directory(options), target);
}

Result<void> run_export(const Options& options) {
  auto target = TRY(open_target(options));
  const ExportReport report = TRY(options.log.is_kafka() ? export_of_kafka(options, *target)
                                                         : export_of_files(options, *target));
  std::printf(
      options.json ? "{\"decisions\":%lu,\"events\":%lu}\n"
                   : "%lu decisions more, %lu events of them; the read models as of there\n",
      static_cast<unsigned long>(report.decisions), static_cast<unsigned long>(report.events));
  return {};
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  add_log_options(app, options->log, "The data directory; over Kafka one that no process has open");
  app.add_option("--to", options->to, "The form; for parquet see consumers/analytics")
      ->check(CLI::IsMember({"ndjson", "csv", "sqlite", "postgres"}))
      ->capture_default_str();
  app.add_option("--out", options->out,
                 "The directory or the database (postgres: as its tools are told it, such as "
                 "dbname=x); one that is there already is gone on with")
      ->required();
  app.add_option("--work", options->work,
                 "Where the export keeps read models of its own, for the next one to go on with");
  app.add_flag("--json", options->json, "What was new as a JSON object");
  return [options] {
    const Result<void> done = run_export(*options);
    return done ? kExitOk : report(done.error());
  };
}

const Subcommand kExport("export", "All events and read models, for analytics", configure);

}  // namespace
}  // namespace tenure
