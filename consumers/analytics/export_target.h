// Where an export goes: tables of rows, in files or in a database.
//
// Events are added, read models replaced. What a target has is whole up to positions(): an export
// that was cut off is gone on with from there. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"

namespace tenure {

// Times are RFC 3339 UTC with microseconds, lists and objects JSON: both text.
enum class ColumnType : uint8_t { kText, kInteger, kTime, kJson };

struct ExportColumn {
  std::string_view name;
  ColumnType type;
};

struct ExportTable {
  std::string_view name;
  std::vector<ExportColumn> columns;
  size_t key_columns;  // the first so many name a row
};

// Nothing: there is no value.
using ExportValue = std::variant<std::monostate, int64_t, std::string>;
using ExportRow = std::span<const ExportValue>;  // one a column

// Takes the rows of a table, one call each.
using TakeRow = std::function<Result<void>(ExportRow)>;
using GiveRows = std::function<Result<void>(const TakeRow&)>;

// Decisions of one partition, in one day of its clock: their events, as rows.
struct EventStretch {
  PartitionId partition;
  Number from, to;  // the first and the last decision looked at
  std::string day;  // 2026-11-28
  std::span<const std::vector<ExportValue>> rows;
};

class ExportTarget {
 public:
  virtual ~ExportTarget() = default;
  // Notes of which log the export is. kInvalid: it is of another.
  virtual Result<void> bind(const std::string& log_id) = 0;
  // The next decision of each partition whose events are not there; 0 where none are.
  virtual Result<Number> next(PartitionId partition) = 0;
  // All of it or nothing.
  virtual Result<void> add(const ExportTable& events, const EventStretch& stretch) = 0;
  // In the place of all rows of the table; of all tables together if the target can, else of each.
  virtual Result<void> replace(const ExportTable& table, const GiveRows& rows) = 0;
  // The tables replaced since the last time stand now.
  virtual Result<void> finish() = 0;
};

// What bind() answers there.
std::unexpected<Error> of_another_log(const std::string& place, const std::string& known,
                                      const std::string& log_id);

enum class ExportFormat : uint8_t { kNdjson, kCsv };

// A directory: events/day=2026-11-28/<partition>-<from>-<to>.ndjson, <table>.ndjson, schema.json,
// log_id. Each file takes its place when it is whole and durable. kInvalid: it holds an export in
// another format.
Result<std::unique_ptr<ExportTarget>> open_file_target(const std::string& directory,
                                                       ExportFormat format);

// An SQLite database: a table for each, `export_position` for where to go on; a transaction for
// each stretch of events, and one for all that is replaced. kInvalid: it is none, or has other
// columns.
Result<std::unique_ptr<ExportTarget>> open_sqlite_target(const std::string& file);

// A PostgreSQL database by a connection string or URI, as its own tools take them; otherwise as
// SQLite. kUnavailable: it cannot be reached.
Result<std::unique_ptr<ExportTarget>> open_postgres_target(const std::string& connection);

}  // namespace tenure
