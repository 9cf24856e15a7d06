#include "tools/tenure/json_table.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace tenure {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr size_t kWidestCell = 60;

// Columns of the length people see: UTF-8 continuation bytes take no room.
size_t width(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

void append_padded(std::string_view text, size_t columns, std::string& out) {
  out += text;
  for (size_t i = width(text); i < columns; ++i) out += ' ';
}

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  size_t column(std::string_view name) {
    auto found = std::ranges::find(columns, name);
    if (found != columns.end()) return static_cast<size_t>(found - columns.begin());
    columns.emplace_back(name);
    return columns.size() - 1;
  }

  void add(object fields) {
    std::vector<std::string>& row = rows.emplace_back(columns.size());
    for (auto [name, value] : fields) {
      size_t at = column(name);
      if (row.size() <= at) row.resize(at + 1);
      row[at] = to_cell(value);
    }
  }

  void print(std::string& out) const {
    std::vector<size_t> widths;
    widths.reserve(columns.size());
    for (const std::string& name : columns) widths.push_back(width(name));
    for (const auto& row : rows) {
      for (size_t i = 0; i < row.size(); ++i) {
        widths[i] = std::max(widths[i], std::min(width(row[i]), kWidestCell));
      }
    }
    print_row(columns, widths, out);
    for (const auto& row : rows) print_row(row, widths, out);
  }

  static void print_row(const std::vector<std::string>& row, const std::vector<size_t>& widths,
                        std::string& out) {
    for (size_t i = 0; i < row.size(); ++i) {
      append_padded(row[i], widths[i], out);
      out += "  ";  // also behind a cell that is wider than its column
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
};

bool is_table(element value) {
  array list;
  if (value.get(list) != simdjson::SUCCESS || list.size() == 0) return false;
  return list.at(0).is_object();
}

void print_list(element value, std::string& out) {
  Table table;
  for (element each : value.get_array()) {
    object fields;
    if (each.get(fields) == simdjson::SUCCESS) table.add(fields);
  }
  table.print(out);
}

void print_object(object fields, std::string& out) {
  size_t widest = 0;
  for (auto [name, value] : fields) widest = std::max(widest, name.size());
  for (auto [name, value] : fields) {
    if (is_table(value)) continue;
    append_padded(name, widest + 2, out);
    out += to_cell(value) + "\n";
  }
  for (auto [name, value] : fields) {
    if (!is_table(value)) continue;
    if (!out.empty()) out += '\n';
    print_list(value, out);
  }
}

}  // namespace

std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string to_cell(element value) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return printable(std::string(text));
  array list;
  if (value.get(list) == simdjson::SUCCESS) {
    std::string joined;
    for (element each : list) joined += (joined.empty() ? "" : ", ") + to_cell(each);
    return joined;
  }
  object fields;
  if (value.get(fields) == simdjson::SUCCESS) {
    std::string joined;
    for (auto [name, each] : fields) {
      joined += joined.empty() ? "" : " ";
      joined += std::string(name) + "=" + to_cell(each);
    }
    return joined;
  }
  return simdjson::minify(value);
}

std::string to_table(std::string_view json) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) {
    return std::string(json);
  }
  std::string out;
  object fields;
  if (root.get(fields) == simdjson::SUCCESS) {
    print_object(fields, out);
  } else if (is_table(root)) {
    print_list(root, out);
  } else {
    out = to_cell(root) + "\n";
  }
  return out;
}

void print_answer(std::string_view body, bool json) {
  std::string text = json ? std::string(body) : to_table(body);
  if (!text.ends_with('\n')) text += '\n';
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void print_answer(std::string_view body, bool json, void (*for_people)(simdjson::dom::element)) {
  simdjson::dom::parser parser;
  simdjson::dom::element told;
  if (json || parser.parse(body.data(), body.size()).get(told) != simdjson::SUCCESS) {
    return print_answer(body, true);
  }
  for_people(told);
}

}  // namespace tenure
