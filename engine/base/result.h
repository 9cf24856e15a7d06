// Results: how a function of Tenure says that it failed.
//
// Bad input, a missing file, a full disk: a value, returned. A broken invariant of the program
// itself: CHECK (check.h), which ends the process. Nothing here throws.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace tenure {

// What kind of failure it is, apart from which one: callers branch on the kind, people read the
// message.
enum class ErrorKind : uint8_t {
  kInvalid,      // the caller's input is wrong; the message says what to do
  kNotFound,     // what was named is not there
  kSignIn,       // it takes a sign-in by the issuer that the message names
  kConflict,     // somebody else holds it: a lock, a port
  kUnavailable,  // not now; try again (a full disk, no next segment yet)
  kUnsupported,  // written by a newer Tenure; stop, upgrade
  kCorrupt,      // stored bytes are not what was written
  kIo,           // the operating system refused; never retried on a write or a sync
};

struct [[nodiscard]] Error {
  ErrorKind kind;
  std::string message;  // one line: what, where, and what to do
};

// A value or an error E; dropping one silently does not compile (std::expected alone would let it
// pass).
template <class T, class E>
class [[nodiscard]] Expected : public std::expected<T, E> {
 public:
  using std::expected<T, E>::expected;
};

template <class T>
using Result = Expected<T, Error>;

inline std::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return std::unexpected(Error{kind, std::move(message)});
}

}  // namespace tenure

// The one early return: `auto file = TRY(open(path));` gives the value, or returns the error to the
// caller.
#define TRY(expression)                                                     \
  __extension__({                                                           \
    auto&& try_result = (expression);                                       \
    if (!try_result) return std::unexpected(std::move(try_result).error()); \
    *std::move(try_result);                                                 \
  })
