// Writes the JSON of an answer: objects, arrays and their values in the order given, commas by
// itself. One answer, one writer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/json/json_edge.h"
#include "flatbuffers/flatbuffers.h"

namespace tenure {

class AnswerWriter {
 public:
  AnswerWriter& begin_object() { return open('{'); }
  AnswerWriter& begin_object(std::string_view name) { return key(name).open('{'); }
  AnswerWriter& end_object() { return close('}'); }
  AnswerWriter& begin_array(std::string_view name) { return key(name).open('['); }
  AnswerWriter& end_array() { return close(']'); }

  AnswerWriter& text(std::string_view value) {
    separate();
    append_json_string(value, out_);
    return *this;
  }
  AnswerWriter& text(std::string_view name, std::string_view value) {
    return key(name).text(value);
  }
  // Null where there is none.
  AnswerWriter& text(std::string_view name, const flatbuffers::String* value) {
    return value ? text(name, value->string_view()) : null(name);
  }
  AnswerWriter& number(std::string_view name, uint64_t value) {
    key(name);
    out_ += std::to_string(value);
    return *this;
  }
  AnswerWriter& amount(std::string_view name, int64_t minor) {
    key(name);
    out_ += std::to_string(minor);
    return *this;
  }
  AnswerWriter& number(std::string_view name, std::optional<uint64_t> value) {
    return value ? number(name, *value) : null(name);
  }
  AnswerWriter& time(std::string_view name, int64_t micros) {
    return key(name).text(format_time(micros));
  }
  AnswerWriter& boolean(std::string_view name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
    return *this;
  }
  // What is JSON already.
  AnswerWriter& json(std::string_view name, std::string_view value) {
    key(name);
    out_ += value;
    return *this;
  }
  AnswerWriter& null(std::string_view name) {
    key(name);
    out_ += "null";
    return *this;
  }

  const std::string& str() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void separate() {
    if (!out_.empty() && out_.back() != '{' && out_.back() != '[' && out_.back() != ':') {
      out_ += ',';
    }
  }
  AnswerWriter& key(std::string_view name) {
    text(name);
    out_ += ':';
    return *this;
  }
  AnswerWriter& open(char bracket) {
    separate();
    out_ += bracket;
    return *this;
  }
  AnswerWriter& close(char bracket) {
    out_ += bracket;
    return *this;
  }

  std::string out_;
};

}  // namespace tenure
