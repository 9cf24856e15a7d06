// The table of routes: what the server answers, and the source of /openapi.json.
//
// A pattern is a path whose `{name}` segments match any one segment. Built once at start, then
// read-only.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/server/http.h"

namespace tenure {

// What the path's `{name}` segments held, decoded, in order of the pattern.
using PathValues = std::vector<std::string>;

// Anybody; whoever has a key or a token; service:admin alone.
enum class Access : uint8_t { kPublic, kKey, kAdmin };

struct Route {
  Method method;
  std::string_view pattern;
  std::string_view summary;
  Access access;
  std::vector<std::string_view> parameters;  // of the query; others are refused
  std::vector<std::string_view> request_types, response_types;
  std::function<void(const Request&, PathValues, QueryParameters, Respond)> handler;
};

class Router {
 public:
  void add(Route route);
  std::span<const Route> routes() const { return routes_; }

  // The route of a path, whatever its method; null if there is none. `values` are then filled in.
  struct Match {
    const Route* route = nullptr;
    bool other_method = false;  // the path exists, under other methods: `allow` lists them
    std::string allow;
    PathValues values;
  };
  Result<Match> match(Method method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
  // By pattern, those without a variable, which are the path itself.
  std::unordered_map<std::string_view, std::vector<size_t>> exact_;
};

std::string_view method_name(Method method);

// OpenAPI 3.1, from the table.
std::string openapi_json(const Router& router);

}  // namespace tenure
