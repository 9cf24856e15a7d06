// Processes that follow a log are killed with SIGKILL at any moment, again and again; what is left
// on the disk must always lead to the rows of a clean rebuild.
//
// Each life is a child process. The parent opens no store before the last child is dead: RocksDB's
// threads do not survive a fork.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

constexpr int kKills = 40;

// Follows the log in small steps, flushing now and then, until killed or at the end; then exits 0.
[[noreturn]] void live(const std::string& directory, World& world, uint64_t seed) {
  std::mt19937_64 random(seed);
  ReadModelsOptions options;
  options.projector.batch_decisions = 1 + random() % 40;
  options.store.rows_for_files = random() % 3 == 0 ? 60 : 1'000'000;
  options.store.write_buffer_bytes = 64u << 10;  // so that RocksDB flushes by itself, too
  auto models = ReadModels::open(directory, world.log(), {kPartition}, options);
  if (!models || !(*models)->restarted().empty()) _exit(1);
  for (;;) {
    auto more = (*models)->step();
    if (!more) _exit(2);
    if (!*more) break;
    if (random() % 8 == 0 && !(*models)->store().flush()) _exit(3);
  }
  _exit(0);
}

TEST(Kill, AtAnyMomentLeavesRowsThatLeadToThoseOfARebuild) {
  TemporaryDirectory directory;
  std::string models = directory.path() + "/models";
  World world;
  world.run_random(1, 6000, 8);
  std::mt19937_64 random(std::random_device{}());
  uint64_t seed = random();
  std::cout << "seed " << seed << "\n";
  random.seed(seed);

  int killed = 0, ended = 0;
  while (killed < kKills && ended < 20) {
    uint64_t life = random();
    auto microseconds = static_cast<useconds_t>(1000 + random() % 300'000);
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) live(models, world, life);
    usleep(microseconds);
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
      ++killed;
    } else {
      ASSERT_EQ(WEXITSTATUS(status), 0) << "seed " << seed << " life " << life;
      // At the end of the log: from here on there is more of it.
      world.run_random(random(), 2000, 8);
      ++ended;
    }
  }
  auto last = ReadModels::open(models, world.log(), {kPartition}).value();
  EXPECT_EQ(last->restarted(), "");
  std::cout << killed << " kills; " << last->applied(kPartition).value << " of "
            << world.decisions() << " decisions kept over the last\n";
  catch_up(*last);
  EXPECT_EQ(difference_to_rebuilt(world, *last->view()), "") << "seed " << seed;
}

}  // namespace
}  // namespace tenure::test
