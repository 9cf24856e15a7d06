// An export into PostgreSQL.
#include <pqxx/pqxx>

#include "consumers/analytics/export_target.h"

namespace tenure {
namespace {

// Rows of one INSERT.
constexpr size_t kRowsAtOnce = 500;

// Of columns, tables and times: what the other forms have, with the types of PostgreSQL.
std::string_view type_of(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
      return "text";
    case ColumnType::kInteger:
      return "bigint";
    case ColumnType::kTime:
      return "timestamptz";
    case ColumnType::kJson:
      return "jsonb";
  }
  return "text";
}

class PostgresTarget final : public ExportTarget {
 public:
  explicit PostgresTarget(const std::string& connection) : connection_(connection) {
    pqxx::work work(connection_);
    work.exec("SET client_min_messages = warning");
    work.exec(
        "CREATE TABLE IF NOT EXISTS export_position(log_partition bigint PRIMARY KEY, "
        "next_number bigint NOT NULL)");
    work.exec("CREATE TABLE IF NOT EXISTS export_log(log_id text NOT NULL)");
    work.commit();
  }

  Result<void> bind(const std::string& log_id) override {
    return guarded([&]() -> Result<void> {
      pqxx::work work(connection_);
      const pqxx::result found = work.exec("SELECT log_id FROM export_log");
      if (!found.empty() && found[0][0].as<std::string>() != log_id) {
        return of_another_log("the database", found[0][0].as<std::string>(), log_id);
      }
      if (found.empty()) work.exec("INSERT INTO export_log VALUES(" + work.quote(log_id) + ")");
      work.commit();
      return {};
    });
  }

  Result<Number> next(PartitionId partition) override {
    Number next;
    TRY(guarded([&]() -> Result<void> {
      pqxx::work work(connection_);
      const pqxx::result found =
          work.exec("SELECT next_number FROM export_position WHERE log_partition = " +
                    std::to_string(partition.value));
      if (!found.empty()) next.value = static_cast<uint64_t>(found[0][0].as<int64_t>());
      return {};
    }));
    return next;
  }

  Result<void> add(const ExportTable& events, const EventStretch& stretch) override {
    return guarded([&]() -> Result<void> {
      pqxx::work work(connection_);
      create(work, events);
      Inserting inserting(work, events);
      for (const auto& row : stretch.rows) inserting.add(row);
      inserting.flush();
      const std::string next = std::to_string(stretch.to.value + 1);
      work.exec("INSERT INTO export_position VALUES(" + std::to_string(stretch.partition.value) +
                "," + next + ") ON CONFLICT (log_partition) DO UPDATE SET next_number = " + next);
      work.commit();
      return {};
    });
  }

  Result<void> replace(const ExportTable& table, const GiveRows& rows) override {
    return guarded([&]() -> Result<void> {
      if (!replacing_) replacing_ = std::make_unique<pqxx::work>(connection_);
      create(*replacing_, table);
      replacing_->exec("DELETE FROM " + replacing_->quote_name(std::string(table.name)));
      Inserting inserting(*replacing_, table);
      TRY(rows([&](ExportRow row) -> Result<void> {
        inserting.add(row);
        return {};
      }));
      inserting.flush();
      return {};
    });
  }

  Result<void> finish() override {
    return guarded([&]() -> Result<void> {
      if (replacing_) replacing_->commit();
      replacing_.reset();
      return {};
    });
  }

 private:
  // Gathers rows into statements.
  class Inserting {
   public:
    Inserting(pqxx::work& work, const ExportTable& table)
        : work_(work),
          head_("INSERT INTO " + work.quote_name(std::string(table.name)) + " VALUES ") {}

    void add(ExportRow row) {
      sql_ += sql_.empty() ? head_ : ",";
      sql_ += '(';
      for (size_t i = 0; i < row.size(); ++i) {
        if (i > 0) sql_ += ',';
        if (const auto* number = std::get_if<int64_t>(&row[i])) {
          sql_ += std::to_string(*number);
        } else if (const auto* text = std::get_if<std::string>(&row[i])) {
          sql_ += work_.quote(*text);
        } else {
          sql_ += "NULL";
        }
      }
      sql_ += ')';
      if (++count_ == kRowsAtOnce) flush();
    }

    void flush() {
      if (count_ > 0) work_.exec(sql_);
      sql_.clear();
      count_ = 0;
    }

   private:
    pqxx::work& work_;
    const std::string head_;
    std::string sql_;
    size_t count_ = 0;
  };

  static void create(pqxx::work& work, const ExportTable& table) {
    std::string sql =
        "CREATE TABLE IF NOT EXISTS " + work.quote_name(std::string(table.name)) + "(";
    std::string key;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const std::string name = work.quote_name(std::string(table.columns[i].name));
      sql.append(name).append(" ").append(type_of(table.columns[i].type)).append(",");
      if (i < table.key_columns) key.append(key.empty() ? "" : ",").append(name);
    }
    // Not a PRIMARY KEY: the month of a gauge is none.
    work.exec(sql + "UNIQUE(" + key + "))");
  }

  // The library throws; whatever was begun is rolled back.
  template <class Work>
  Result<void> guarded(Work work) {
    try {
      return work();
    } catch (const std::exception& error) {
      std::string what = error.what();
      what.resize(std::min(what.find('\n'), what.size()));
      return fail(ErrorKind::kIo, "PostgreSQL: " + what);
    }
  }

  pqxx::connection connection_;
  std::unique_ptr<pqxx::work> replacing_;
};

}  // namespace

Result<std::unique_ptr<ExportTarget>> open_postgres_target(const std::string& connection) {
  try {
    return std::make_unique<PostgresTarget>(connection);
  } catch (const std::exception& error) {
    std::string what = error.what();
    what.resize(std::min(what.find('\n'), what.size()));
    return fail(ErrorKind::kUnavailable, "PostgreSQL: " + what);
  }
}

}  // namespace tenure
