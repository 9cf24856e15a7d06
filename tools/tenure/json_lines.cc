#include "tools/tenure/json_lines.h"

#include <simdjson.h>

#include <algorithm>

namespace tenure {
namespace {

constexpr size_t kMaxDepth = 16;

// Each step takes what it expects off the front, or returns false where the text is no JSON.
class Walk {
 public:
  Walk(std::string_view json, std::map<std::string, size_t, std::less<>>& lines)
      : rest_(json), lines_(lines) {}

  bool document() {
    skip_space();
    lines_[""] = line_;
    if (!value("", 1)) return false;
    skip_space();
    return rest_.empty();
  }
  size_t line() const { return line_; }

 private:
  void advance(size_t count) {
    line_ += static_cast<size_t>(std::ranges::count(rest_.substr(0, count), '\n'));
    rest_.remove_prefix(count);
  }
  void skip_space() { advance(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    advance(1);
    return true;
  }
  bool value(const std::string& path, size_t depth) {
    if (depth > kMaxDepth) return false;
    if (take('{')) return object(path, depth);
    if (take('[')) return array(path, depth);
    return scalar(nullptr);
  }

  bool object(const std::string& path, size_t depth) {
    skip_space();
    if (take('}')) return true;
    do {
      skip_space();
      const size_t line = line_;
      std::string_view key;
      if (!rest_.starts_with('"') || !scalar(&key)) return false;
      const std::string at = path.empty() ? std::string(key) : path + "." + std::string(key);
      lines_[at] = line;
      skip_space();
      if (!take(':')) return false;
      skip_space();
      if (!value(at, depth + 1)) return false;
      skip_space();
    } while (take(','));
    return take('}');
  }

  bool array(const std::string& path, size_t depth) {
    skip_space();
    if (take(']')) return true;
    size_t index = 0;
    do {
      skip_space();
      const std::string at = path + "[" + std::to_string(index++) + "]";
      lines_[at] = line_;
      if (!value(at, depth + 1)) return false;
      skip_space();
    } while (take(','));
    return take(']');
  }

  // What is neither object nor array, as the parser takes it. `string`, if wanted: what stands
  // between its quotes, escapes and all.
  bool scalar(std::string_view* string) {
    const size_t size = rest_.starts_with('"') ? string_size() : rest_.find_first_of(" \t\r\n,]}");
    const std::string_view token = rest_.substr(0, size);
    if (parser_.parse(std::string(token)).error() != simdjson::SUCCESS) return false;
    if (string != nullptr) *string = token.substr(1, token.size() - 2);
    advance(token.size());
    return true;
  }
  size_t string_size() const {
    size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    return end + 1;
  }

  std::string_view rest_;
  size_t line_ = 1;
  simdjson::dom::parser parser_;
  std::map<std::string, size_t, std::less<>>& lines_;
};

}  // namespace

JsonLines::JsonLines(std::string_view json) {
  Walk walk(json, lines_);
  if (!walk.document()) broken_at_ = walk.line();
}

size_t JsonLines::line_of(std::string_view path) const {
  while (true) {
    if (const auto found = lines_.find(path); found != lines_.end()) return found->second;
    const size_t step = path.find_last_of(".[");
    path = step == std::string_view::npos ? "" : path.substr(0, step);
  }
}

}  // namespace tenure
