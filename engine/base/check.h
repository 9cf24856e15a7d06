// CHECK: a broken invariant of the program ends it, at once and with its place. Never for input
// from outside.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace tenure::internal {
[[noreturn]] inline void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, expression);
  std::abort();
}
}  // namespace tenure::internal

#define CHECK(expression) \
  ((expression) ? void(0) : ::tenure::internal::check_failed(#expression, __FILE__, __LINE__))
