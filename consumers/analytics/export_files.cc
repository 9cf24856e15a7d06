// An export into a directory of files.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include "consumers/analytics/export_tables.h"
#include "engine/json/json_edge.h"

namespace tenure {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> cannot_write(const std::string& path) {
  return fail(ErrorKind::kIo, "cannot write " + path + "; is the disk full?");
}

// Takes its place when it is whole and durable.
class NewFile {
 public:
  static Result<NewFile> make(std::string path) {
    NewFile made(std::move(path));
    made.file_.reset(std::fopen(made.unfinished().c_str(), "wb"));
    if (made.file_ == nullptr) return cannot_write(made.path_);
    return made;
  }
  Result<void> write(std::string_view bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size()) return {};
    return cannot_write(path_);
  }
  Result<void> finish() {
    const bool durable = std::fflush(file_.get()) == 0 && ::fsync(::fileno(file_.get())) == 0;
    if (!durable || std::rename(unfinished().c_str(), path_.c_str()) != 0) {
      return cannot_write(path_);
    }
    return {};
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  std::string unfinished() const { return path_ + ".new"; }

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

void append_ndjson(const ExportTable& table, ExportRow row, std::string& out) {
  out += '{';
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(table.columns[i].name, out);
    out += ':';
    if (const auto* number = std::get_if<int64_t>(&row[i])) {
      out += std::to_string(*number);
    } else if (const auto* text = std::get_if<std::string>(&row[i])) {
      if (table.columns[i].type == ColumnType::kJson) {
        out += *text;
      } else {
        append_json_string(*text, out);
      }
    } else {
      out += "null";
    }
  }
  out += "}\n";
}

// RFC 4180; nothing between the commas is no value, and "" the empty text.
void append_csv(ExportRow row, std::string& out) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += ',';
    if (const auto* number = std::get_if<int64_t>(&row[i])) out += std::to_string(*number);
    const auto* text = std::get_if<std::string>(&row[i]);
    if (text == nullptr) continue;
    if (!text->empty() && text->find_first_of("\",\r\n") == std::string::npos) {
      out += *text;
      continue;
    }
    out += '"';
    for (const char c : *text) out.append(c == '"' ? 2 : 1, c);
    out += '"';
  }
  out += "\r\n";
}

std::string csv_header(const ExportTable& table) {
  std::string line;
  for (const ExportColumn& column : table.columns) {
    line += line.empty() ? "" : ",";
    line += column.name;
  }
  return line + "\r\n";
}

std::string_view type_name(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
      return "text";
    case ColumnType::kInteger:
      return "integer";
    case ColumnType::kTime:
      return "time";
    case ColumnType::kJson:
      return "json";
  }
  return "text";
}

void append_schema(const ExportTable& table, std::string& out) {
  if (out.back() != '{') out += ',';
  append_json_string(table.name, out);
  out += R"(:{"key":[)";
  for (size_t i = 0; i < table.key_columns; ++i) {
    out += i > 0 ? "," : "";
    append_json_string(table.columns[i].name, out);
  }
  out += R"(],"columns":{)";
  for (const ExportColumn& column : table.columns) {
    out += out.back() != '{' ? "," : "";
    append_json_string(column.name, out);
    out += ':';
    append_json_string(type_name(column.type), out);
  }
  out += "}}";
}

// Of a file of events, PARTITION-FIRST-LAST: its partition, and the last number.
std::optional<std::pair<PartitionId, Number>> end_in_name(std::string_view stem) {
  PartitionId partition;
  Number first, last;
  const char* at = stem.data();
  const char* const end = at + stem.size();
  const auto take = [&](auto& value) {
    const auto read = std::from_chars(at, end, value);
    at = read.ptr;
    return read.ec == std::errc();
  };
  const auto take_dash = [&] {
    if (at == end || *at != '-') return false;
    ++at;
    return true;
  };
  const bool named = take(partition.value) && take_dash() && take(first.value) && take_dash() &&
                     take(last.value) && at == end;
  return named ? std::optional(std::pair(partition, last)) : std::nullopt;
}

class FileTarget final : public ExportTarget {
 public:
  FileTarget(std::string directory, ExportFormat format)
      : directory_(std::move(directory)), format_(format) {}

  Result<void> begin() {
    std::error_code error;
    fs::create_directories(directory_ + "/events", error);
    if (error) return fail(ErrorKind::kIo, "cannot make " + directory_ + ": " + error.message());
    for (const auto& entry : fs::recursive_directory_iterator(directory_ + "/events", error)) {
      if (entry.is_regular_file(error)) TRY(note(entry.path()));
    }
    std::string schema = "{";
    append_schema(events_table(), schema);
    for (const ModelTable& model : model_tables()) append_schema(model.table, schema);
    NewFile file = TRY(NewFile::make(directory_ + "/schema.json"));
    TRY(file.write(schema + "}\n"));
    return file.finish();
  }

  Result<void> bind(const std::string& log_id) override {
    const std::string path = directory_ + "/log_id";
    std::string known;
    std::getline(std::ifstream(path), known);
    if (!known.empty() && known != log_id) return of_another_log(directory_, known, log_id);
    NewFile file = TRY(NewFile::make(path));
    TRY(file.write(log_id + "\n"));
    return file.finish();
  }

  Result<Number> next(PartitionId partition) override { return next_[partition]; }

  Result<void> add(const ExportTable& events, const EventStretch& stretch) override {
    const std::string day = directory_ + "/events/day=" + stretch.day;
    std::error_code error;
    fs::create_directories(day, error);
    NewFile file =
        TRY(NewFile::make(fmt::format("{}/{}-{:020}-{:020}{}", day, stretch.partition.value,
                                      stretch.from.value, stretch.to.value, ending())));
    if (format_ == ExportFormat::kCsv) TRY(file.write(csv_header(events)));
    for (const auto& row : stretch.rows) TRY(write_row(events, row, file));
    TRY(file.finish());
    next_[stretch.partition] = stretch.to.next();
    return {};
  }

  Result<void> replace(const ExportTable& table, const GiveRows& rows) override {
    NewFile file = TRY(NewFile::make(directory_ + "/" + std::string(table.name) + ending()));
    if (format_ == ExportFormat::kCsv) TRY(file.write(csv_header(table)));
    TRY(rows([&](ExportRow row) { return write_row(table, row, file); }));
    return file.finish();
  }

  Result<void> finish() override { return {}; }

 private:
  std::string ending() const { return format_ == ExportFormat::kCsv ? ".csv" : ".ndjson"; }

  Result<void> write_row(const ExportTable& table, ExportRow row, NewFile& file) {
    line_.clear();
    if (format_ == ExportFormat::kCsv) {
      append_csv(row, line_);
    } else {
      append_ndjson(table, row, line_);
    }
    return file.write(line_);
  }

  // A file of events: its name says which decisions were looked at for it.
  Result<void> note(const fs::path& path) {
    if (path.extension() == ".new") {
      std::error_code ignored;
      fs::remove(path, ignored);  // never finished
      return {};
    }
    const auto named =
        path.extension() == ending() ? end_in_name(path.stem().string()) : std::nullopt;
    if (!named) {
      return fail(ErrorKind::kInvalid, path.string() +
                                           " is not of an export in this format; name "
                                           "another directory with --out");
    }
    Number& next = next_[named->first];
    next = std::max(next, named->second.next());
    return {};
  }

  const std::string directory_;
  const ExportFormat format_;
  std::map<PartitionId, Number> next_;
  std::string line_;
};

}  // namespace

Result<std::unique_ptr<ExportTarget>> open_file_target(const std::string& directory,
                                                       ExportFormat format) {
  auto target = std::make_unique<FileTarget>(directory, format);
  TRY(target->begin());
  return target;
}

}  // namespace tenure
