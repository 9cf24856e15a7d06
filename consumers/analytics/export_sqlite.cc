// An export into an SQLite database.
#include <sqlite3.h>

#include <map>

#include "consumers/analytics/export_target.h"

namespace tenure {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinishStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

void append_quoted(std::string_view name, std::string& sql) {
  sql += '"';
  sql += name;
  sql += '"';
}

std::string quoted(std::string_view name) {
  std::string sql;
  append_quoted(name, sql);
  return sql;
}

std::string create_statement(const ExportTable& table) {
  std::string sql = "CREATE TABLE IF NOT EXISTS ";
  append_quoted(table.name, sql);
  sql += '(';
  for (const ExportColumn& column : table.columns) {
    append_quoted(column.name, sql);
    sql += column.type == ColumnType::kInteger ? " INTEGER," : " TEXT,";
  }
  sql += "PRIMARY KEY(";
  for (size_t i = 0; i < table.key_columns; ++i) {
    if (i > 0) sql += ',';
    append_quoted(table.columns[i].name, sql);
  }
  sql += "))";
  return sql;
}

std::string insert_statement(const ExportTable& table) {
  std::string sql = "INSERT INTO ";
  append_quoted(table.name, sql);
  sql += " VALUES(";
  for (size_t i = 0; i < table.columns.size(); ++i) sql += i > 0 ? ",?" : "?";
  sql += ')';
  return sql;
}

class SqliteTarget final : public ExportTarget {
 public:
  static Result<std::unique_ptr<ExportTarget>> open(const std::string& file) {
    auto target = std::make_unique<SqliteTarget>();
    sqlite3* database = nullptr;
    const int code = sqlite3_open(file.c_str(), &database);
    target->database_.reset(database);
    if (code != SQLITE_OK) return target->failed("cannot open " + file);
    // Also finds out whether it is a database at all.
    TRY(target->run("PRAGMA journal_mode=WAL"));
    TRY(
        target->run("CREATE TABLE IF NOT EXISTS export_position(partition INTEGER PRIMARY KEY, "
                    "next_number INTEGER NOT NULL)"));
    TRY(target->run("CREATE TABLE IF NOT EXISTS export_log(log_id TEXT NOT NULL)"));
    target->file_ = file;
    return target;
  }

  Result<void> bind(const std::string& log_id) override {
    auto select = TRY(prepare("SELECT log_id FROM export_log"));
    if (sqlite3_step(select.get()) == SQLITE_ROW) {
      const std::string known = reinterpret_cast<const char*>(sqlite3_column_text(select.get(), 0));
      if (known != log_id) return of_another_log(file_, known, log_id);
      return {};
    }
    select.reset();
    return run("INSERT INTO export_log VALUES('" + log_id + "')");
  }

  Result<Number> next(PartitionId partition) override {
    auto statement = TRY(prepare("SELECT next_number FROM export_position WHERE partition=" +
                                 std::to_string(partition.value)));
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) return Number{0};
    if (code != SQLITE_ROW) return failed("cannot read where the export ends");
    return Number{static_cast<uint64_t>(sqlite3_column_int64(statement.get(), 0))};
  }

  Result<void> add(const ExportTable& events, const EventStretch& stretch) override {
    TRY(run("BEGIN IMMEDIATE"));
    TRY(run(create_statement(events)));
    auto insert = TRY(prepare(insert_statement(events)));
    for (const auto& row : stretch.rows) TRY(put(*insert, row));
    TRY(run("INSERT OR REPLACE INTO export_position VALUES(" +
            std::to_string(stretch.partition.value) + "," + std::to_string(stretch.to.value + 1) +
            ")"));
    return run("COMMIT");
  }

  Result<void> replace(const ExportTable& table, const GiveRows& rows) override {
    if (!replacing_) TRY(run("BEGIN IMMEDIATE"));
    replacing_ = true;
    TRY(run("DROP TABLE IF EXISTS " + quoted(table.name)));
    TRY(run(create_statement(table)));
    auto insert = TRY(prepare(insert_statement(table)));
    return rows([&](ExportRow row) { return put(*insert, row); });
  }

  Result<void> finish() override {
    if (!replacing_) return {};
    replacing_ = false;
    return run("COMMIT");
  }

 private:
  using Statement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

  std::unexpected<Error> failed(const std::string& what) const {
    return fail(ErrorKind::kIo, what + ": " + sqlite3_errmsg(database_.get()));
  }

  Result<void> run(const std::string& sql) {
    if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
      return {};
    }
    return failed("the database refuses");
  }

  Result<Statement> prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      return failed(
          "the database has other columns than this version exports, or is damaged; "
          "export into a new one");
    }
    return Statement(statement);
  }

  Result<void> put(sqlite3_stmt& statement, ExportRow row) {
    sqlite3_reset(&statement);
    for (size_t i = 0; i < row.size(); ++i) {
      const int place = static_cast<int>(i) + 1;
      if (const auto* number = std::get_if<int64_t>(&row[i])) {
        sqlite3_bind_int64(&statement, place, *number);
      } else if (const auto* text = std::get_if<std::string>(&row[i])) {
        // Lives until the step below is over.
        sqlite3_bind_text(&statement, place, text->data(), static_cast<int>(text->size()), nullptr);
      } else {
        sqlite3_bind_null(&statement, place);
      }
    }
    if (sqlite3_step(&statement) == SQLITE_DONE) return {};
    return failed("a row is not taken");
  }

  std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::string file_;
  bool replacing_ = false;
};

}  // namespace

Result<std::unique_ptr<ExportTarget>> open_sqlite_target(const std::string& file) {
  return SqliteTarget::open(file);
}

}  // namespace tenure
