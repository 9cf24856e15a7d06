// Named places at which a test can have the process killed, as by kill -9: with
// TENURE_FAIL_POINT=name:count in the environment, the count-th pass of `name` is the last thing
// that the process does. Any thread. Costs one predictable branch where the variable is not set.
#pragma once

namespace tenure {

// What the log passes, in the order of its life; tests kill at each.
inline constexpr const char* kLogFailPoints[] = {
    "create.after_segment",  "create.after_identity", "recover.after_cut",
    "segment.before_write",  "segment.after_write",   "segment.after_sync",
    "segment.before_footer", "segment.after_footer",  "prepare.after_create",
    "prepare.after_piece",   "prepare.before_rename", "prepare.after_rename",
    "close.before_mark",     "close.after_mark",
};

namespace internal {
extern const bool fail_point_armed;
void pass_fail_point(const char* name);
}  // namespace internal

inline void fail_point(const char* name) {
  if (internal::fail_point_armed) [[unlikely]]
    internal::pass_fail_point(name);
}

}  // namespace tenure
