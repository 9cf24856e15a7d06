// A process to be killed: writes decisions to the log in argv[1] until it is, and says on its
// output, unbuffered, what it hands over ("s 12") and what was acknowledged ("a 12"), as counts of
// decisions. argv[2]: how many decisions were acknowledged before. argv[3]: how many batches, then
// it stops cleanly. Exit code 3: the log is not whole.
#include <unistd.h>

#include <cstdlib>

#include "tests/log/log_fixture.h"

namespace {

using namespace tenure;
using namespace tenure::test;

void say(char what, uint64_t count) {
  const std::string line = fmt::format("{} {}\n", what, count);
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(4);
}

int fail_with(const std::string& message) {
  fmt::print(stderr, "{}\n", message);
  return 3;
}

int run(const std::string& directory, uint64_t acknowledged, uint64_t batches) {
  SegmentOptions options = small_segments(posix_file_system(), directory);
  options.own_thread = true;
  auto log = SegmentLog::open(options);
  if (!log) return fail_with(log.error().message);
  auto session = (*log)->open_writer(kPartition, kWriter);
  if (!session) return fail_with(session.error().message);
  const uint64_t recovered = session->next.value;
  if (recovered < acknowledged) return fail_with("acknowledged decisions were lost");
  if (history_of(**log).payloads != payloads(recovered, 100)) return fail_with("another history");
  say('s', recovered);
  say('a', recovered);
  for (uint64_t batch = 0; batch < batches; ++batch) {
    Batch next = make_batch(*session, 1 + batch % 7, 100);
    const uint64_t end = session->next.value;
    say('s', end);
    (*log)->append(kPartition, std::move(next), [end](Result<void> result) {
      if (!result) std::_Exit(fail_with(result.error().message));
      say('a', end);
    });
  }
  if (auto closed = (*log)->close(); !closed) return fail_with(closed.error().message);
  return 0;
}

}  // namespace

int main(int, char** argv) {
  return run(argv[1], std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
}
