// Preloaded into a server under test: its wall clock is the real one and an offset, which the test
// writes into a file (served_engine.cc).
//
// Only clock_gettime(CLOCK_REALTIME) is set, from which std::chrono::system_clock reads, and so the
// engine. Steady clocks are left alone, and so are timespec_get and gettimeofday: librdkafka and
// RocksDB reckon their timed waits by these, which the kernel then ends by the real clock. (That is
// what libfaketime cannot do: to librdkafka's C11 threads every wait has then ended before it
// begins, or never ends. Nor does it start beside jemalloc.)
//
// Nothing here allocates: jemalloc asks for the time before it is ready.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace {

// In seconds, as 8 bytes. A server that is told of no such file, or cannot map it, ends.
const volatile int64_t* map_offset() {
  const char* path = ::getenv("TENURE_TEST_CLOCK");
  const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  void* mapped = ::mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) ::abort();
  ::close(file);
  return static_cast<const volatile int64_t*>(mapped);
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const volatile int64_t* const offset = map_offset();
  const long outcome = ::syscall(SYS_clock_gettime, clock, time);
  if (outcome == 0 && clock == CLOCK_REALTIME) time->tv_sec += *offset;
  return static_cast<int>(outcome);
}
