// TRUST.md row 1, for the log alone: a writing process killed at every fail point, and at random.
// Acknowledged decisions are a subset of the recovered ones, those of the ones handed over.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "engine/log/fail_point.h"
#include "engine/log/log_directory.h"
#include "engine/log/segment_check.h"
#include "tests/log/log_fixture.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

// Runs the writer; kills it after so many lines of its output (0: it has to end by itself).
class WriterProcess {
 public:
  struct Counts {
    uint64_t handed_over = 0;
    uint64_t acknowledged = 0;
  };

  WriterProcess(const std::string& directory, Counts before, const std::string& fail_point,
                int kill_after)
      : counts_(before) {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(out[1], STDOUT_FILENO);
      if (!fail_point.empty()) ::setenv("TENURE_FAIL_POINT", fail_point.c_str(), 1);
      const std::string acknowledged = std::to_string(before.acknowledged);
      ::execl(LOG_KILL_WRITER, LOG_KILL_WRITER, directory.c_str(), acknowledged.c_str(), "60",
              static_cast<char*>(nullptr));
      ::_exit(5);
    }
    ::close(out[1]);
    FILE* lines = ::fdopen(out[0], "r");
    char what = 0;
    unsigned long long count = 0;
    for (int line = 1; std::fscanf(lines, " %c %llu", &what, &count) == 2; ++line) {
      (what == 'a' ? counts_.acknowledged : counts_.handed_over) = count;
      if (line == kill_after) ::kill(child_, SIGKILL);
    }
    std::fclose(lines);
    EXPECT_EQ(::waitpid(child_, &status_, 0), child_);
  }

  bool was_killed() const { return WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL; }
  bool ended_well() const { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }
  const Counts& counts() const { return counts_; }

 private:
  pid_t child_ = -1;
  int status_ = 0;
  Counts counts_;
};

class LogKill : public testing::Test {
 protected:
  // Runs on the log and checks what it left.
  bool run(const std::string& fail_point, int kill_after = 0) {
    const WriterProcess writer(log_, counts_, fail_point, kill_after);
    EXPECT_TRUE(writer.was_killed() || writer.ended_well())
        << "the log is not whole, after " << kills_;
    kills_ += writer.was_killed() ? 1 : 0;
    counts_ = writer.counts();
    const auto found = check_log_deeply(posix_file_system(), log_);
    if (found) {
      EXPECT_GE(found->decisions, counts_.acknowledged);
      EXPECT_LE(found->decisions, counts_.handed_over);
    } else {
      EXPECT_EQ(found.error().kind, ErrorKind::kNotFound) << found.error().message;
      EXPECT_EQ(counts_.acknowledged, 0u);
    }
    return writer.was_killed();
  }

  // Leaves bytes behind the last batch, as a torn write does and a kill does not.
  void tear_tail() {
    FileSystem& files = posix_file_system();
    const RecoveredLog log = must(recover_beside_writer(files, log_));
    const auto segment =
        must(files.open(path_in(log_, segment_name(log.active.sequence)), OpenMode::kReadWrite));
    must(segment->write_at(log.active.end_position, {as_bytes("torn")}));
  }

  TemporaryDirectory directory_;
  std::string log_ = directory_.path() + "/log";
  WriterProcess::Counts counts_;
  int kills_ = 0;
};

TEST_F(LogKill, AtEveryFailPointNothingAcknowledgedIsLost) {
  for (const std::string point : kLogFailPoints) {
    if (point.starts_with("create")) {
      log_ = directory_.path() + "/" + point;
      counts_ = {};
    }
    if (point.starts_with("recover")) tear_tail();
    for (const int pass : {1, 2, 7}) {
      const bool killed = run(fmt::format("{}:{}", point, pass));
      EXPECT_TRUE(killed || pass > 1) << point << " was not passed";
    }
    run("");
  }
  fmt::print("killed {} times at {} named places; {} decisions acknowledged, none lost\n", kills_,
             std::size(kLogFailPoints), counts_.acknowledged);
}

TEST_F(LogKill, AtRandomNothingAcknowledgedIsLost) {
  const uint64_t seed = std::random_device()();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 200 && !HasFailure(); ++round) {
    run("", 1 + static_cast<int>(random() % 100));
  }
  fmt::print("seed {}: killed {} times at random; {} decisions acknowledged, none lost\n", seed,
             kills_, counts_.acknowledged);
  EXPECT_GE(kills_, 150);
}

}  // namespace
}  // namespace tenure::test
