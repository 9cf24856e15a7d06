#include "tools/server/router.h"

#include <algorithm>
#include <map>
#include <optional>

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

// Takes the segment up to the next '/' off `path`, which begins with one.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  size_t end = std::min(path.find('/'), path.size());
  std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

bool is_variable(std::string_view segment) { return segment.starts_with('{'); }

// The still encoded values of the variables, if the path fits the pattern.
std::optional<std::vector<std::string_view>> fit(std::string_view pattern, std::string_view path) {
  std::vector<std::string_view> values;
  while (!pattern.empty() && !path.empty()) {
    std::string_view wanted = next_segment(pattern);
    std::string_view given = next_segment(path);
    if (is_variable(wanted) && !given.empty()) {
      values.push_back(given);
    } else if (wanted != given) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return values;
}

void append_parameter(std::string_view name, std::string_view in, std::string& out) {
  if (out.back() != '[') out += ',';
  out += R"({"name":)";
  append_json_string(name, out);
  out += R"(,"in":)";
  append_json_string(in, out);
  out += in == "path" ? R"(,"required":true)" : "";
  out += R"(,"schema":{"type":"string"}})";
}

void append_content(const std::vector<std::string_view>& types, std::string& out) {
  out += R"("content":{)";
  for (std::string_view type : types) {
    if (out.back() != '{') out += ',';
    append_json_string(type, out);
    out += ":{}";
  }
  out += '}';
}

void append_operation(const Route& route, std::string& out) {
  out += '"';
  out += route.method == Method::kPost ? "post" : "get";
  out += R"(":{"summary":)";
  append_json_string(route.summary, out);
  out += R"(,"parameters":[)";
  for (std::string_view path = route.pattern; !path.empty();) {
    std::string_view segment = next_segment(path);
    if (is_variable(segment)) append_parameter(segment.substr(1, segment.size() - 2), "path", out);
  }
  for (std::string_view name : route.parameters) append_parameter(name, "query", out);
  out += ']';
  if (!route.request_types.empty()) {
    out += R"(,"requestBody":{"required":true,)";
    append_content(route.request_types, out);
    out += '}';
  }
  out += R"(,"responses":{"200":{"description":"OK",)";
  append_content(route.response_types, out);
  out +=
      R"(},"default":{"description":"RFC 9457 problem","content":{"application/problem+json":{}}}})";
  if (route.access == Access::kPublic) out += R"(,"security":[])";
  out += '}';
}

}  // namespace

void Router::add(Route route) {
  const bool exact = route.pattern.find('{') == std::string_view::npos;
  if (exact) exact_[route.pattern].push_back(routes_.size());
  routes_.push_back(std::move(route));
}

Result<Router::Match> Router::match(Method method, std::string_view path) const {
  Match match;
  if (!path.starts_with('/')) return match;
  if (const auto exact = exact_.find(path); exact != exact_.end()) {
    for (const size_t index : exact->second) {
      if (routes_[index].method != method) continue;
      match.route = &routes_[index];
      return match;
    }
  }
  for (const Route& route : routes_) {
    auto values = fit(route.pattern, path);
    if (!values) continue;
    if (route.method == method) {
      for (std::string_view value : *values) {
        match.values.push_back(TRY(percent_decode(value, false)));
      }
      match.route = &route;
      return match;
    }
    match.other_method = true;
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += method_name(route.method);
  }
  return match;
}

std::string_view method_name(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
    case Method::kOther:
      return "other";
  }
  return "other";
}

std::string openapi_json(const Router& router) {
  std::map<std::string_view, std::vector<const Route*>> by_path;
  for (const Route& route : router.routes()) by_path[route.pattern].push_back(&route);
  std::string out =
      R"({"openapi":"3.1.0","info":{"title":"Tenure","version":"1"},)"
      R"("components":{"securitySchemes":{"bearer":{"type":"http","scheme":"bearer"},)"
      R"("api_key":{"type":"apiKey","in":"header","name":"X-Api-Key"}}},)"
      R"("security":[{"bearer":[]},{"api_key":[]}],"paths":{)";
  bool first_path = true;
  for (const auto& [path, routes] : by_path) {
    if (!first_path) out += ',';
    first_path = false;
    append_json_string(path, out);
    out += ":{";
    for (const Route* route : routes) {
      if (route != routes.front()) out += ',';
      append_operation(*route, out);
    }
    out += '}';
  }
  out += "}}";
  return out;
}

}  // namespace tenure
