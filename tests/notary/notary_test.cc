// The notary follows a log, signs, crashes, goes on, and refuses a log that is not what it signed.
#include "engine/log/memory_log.h"
#include "tests/notary/memory_tree.h"
#include "tests/notary/notary_fixture.h"

namespace tenure::test {
namespace {

using testing::HasSubstr;

TEST_F(NotaryTest, SignsTheTreeOverThePayloads) {
  const auto log = make_log("log", 20);
  const auto notary = open(*log);
  const SignedHead head = sign_all(*notary);
  const MemoryTree tree([] {
    std::vector<std::string> leaves;
    for (uint64_t number = 0; number < 20; ++number) leaves.push_back(honest(number));
    return leaves;
  }());
  EXPECT_EQ(head.checkpoint.origin, "tenure/07070707070707070707070707070707/0");
  EXPECT_EQ(head.checkpoint.size, 20);
  EXPECT_EQ(head.checkpoint.root, tree.root(20));
  EXPECT_EQ(head.checkpoint.time, kNoon);
  EXPECT_EQ(verifier(*notary).has_signed(head), true);
  for (uint64_t size = 1; size <= 20; ++size) {
    for (uint64_t number = 0; number < size; ++number) {
      EXPECT_EQ(must(notary->prove_inclusion(number, size)).proof,
                must(inclusion_proof(tree, number, size)));
    }
    EXPECT_EQ(must(notary->prove_consistency(size, 20)), must(consistency_proof(tree, size, 20)));
  }
  EXPECT_EQ(notary->prove_inclusion(0, 21).error().kind, ErrorKind::kInvalid);
}

TEST_F(NotaryTest, SignsWhenTimeOrDecisionsHavePassed) {
  auto log = make_log("log", 3);
  NotaryOptions given = options();
  given.every = std::chrono::seconds(60);
  given.every_decisions = 5;
  const auto notary = must(Notary::open(*log, kPartition, key_, given));
  while (must(notary->follow(100))) {
  }
  EXPECT_TRUE(must(notary->sign_if_due(kNoon)));                           // the first at once
  EXPECT_FALSE(must(notary->sign_if_due(kNoon + std::chrono::hours(1))));  // nothing new
  log.reset();
  log = make_log("log", 4);
  const auto again = must(Notary::open(*log, kPartition, key_, given));
  while (must(again->follow(100))) {
  }
  EXPECT_FALSE(must(again->sign_if_due(kNoon + std::chrono::seconds(59))));
  EXPECT_TRUE(must(again->sign_if_due(kNoon + std::chrono::seconds(60))));
  log.reset();
  log = make_log("log", 5);
  const auto busy = must(Notary::open(*log, kPartition, key_, given));
  while (must(busy->follow(100))) {
  }
  EXPECT_EQ(must(busy->sign_if_due(kNoon + std::chrono::seconds(61)))->checkpoint.size, 12);
  EXPECT_EQ(must(busy->heads_from(0, 10)).size(), 3);
  EXPECT_EQ(must(busy->heads_from(4, 1)).front().checkpoint.size, 7);
}

// Power is lost with the tree and the heads in any state that the disk may have left: the next
// start proves what was signed, and signs on.
TEST_F(NotaryTest, GoesOnAfterPowerLoss) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SimulatedFileSystem disk(seed);
    NotaryOptions given = options();
    given.files = &disk;
    const auto log = make_log("log-" + std::to_string(seed), 30);
    uint64_t covered = 0;
    for (int round = 0; round < 4; ++round) {
      {
        const auto notary = must(Notary::open(*log, kPartition, key_, given));
        ASSERT_GE(notary->signed_size(), covered) << seed;
        for (int i = 0; i <= round; ++i) (void)must(notary->follow(5));
        if (const auto head = must(notary->sign_if_due(kNoon, true))) {
          covered = head->checkpoint.size;
        }
        (void)must(notary->follow(2));
      }
      disk.crash();
    }
    const auto notary = must(Notary::open(*log, kPartition, key_, given));
    while (must(notary->follow(100))) {
    }
    (void)must(notary->sign_if_due(kNoon, true));
    EXPECT_TRUE(verify(*log, must(notary->heads_from(0, 100))).findings.empty()) << seed;
    EXPECT_TRUE(notary->prove_inclusion(29, 30)) << seed;
  }
}

// An hour back: what was signed then is no reason to wait for an hour.
TEST_F(NotaryTest, SignsOnWhenTheClockWasSetBack) {
  const auto log = make_log("log", 10);
  const auto notary = open(*log);
  (void)must(notary->follow(5));
  ASSERT_TRUE(must(notary->sign_if_due(kNoon, false)));
  (void)must(notary->follow(5));
  EXPECT_FALSE(must(notary->sign_if_due(kNoon, false))) << "just signed";
  const auto head = must(notary->sign_if_due(kNoon - std::chrono::hours(1), false));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->checkpoint.size, 10);
}

// The tree is made of the log again where it is damaged or gone; heads stay what they are.
TEST_F(NotaryTest, MakesALostOrDamagedTreeAgain) {
  const auto log = make_log("log", 25);
  std::string root;
  {
    const auto notary = open(*log);
    root = to_hex(sign_all(*notary).checkpoint.root);
  }
  // Node (4, 0), which closes with leaf 15: one of those that the head's root is made of.
  disk_.flip_bit("notary/tree", (2 * 15 - 4 + 4) * 256);
  for (int round = 0; round < 2; ++round) {
    const auto notary = open(*log);
    EXPECT_EQ(notary->prove_inclusion(3, 25).error().kind, ErrorKind::kUnavailable);
    while (must(notary->follow(10))) {
    }
    const InclusionProof proved = must(notary->prove_inclusion(3, 25));
    TreeHasher hasher;
    EXPECT_EQ(proved.leaf, hasher.leaf(as_bytes(honest(3))));
    EXPECT_TRUE(
        verify_inclusion(3, 25, proved.leaf, proved.proof, notary->latest()->checkpoint.root));
    EXPECT_EQ(to_hex(notary->latest()->checkpoint.root), root);
    if (round == 0) must(disk_.remove("notary/tree"));
  }
}

// Deeper in the tree a start does not look; but what is proved is looked at before it is given out.
TEST_F(NotaryTest, GivesOutNoWrongProof) {
  const auto log = make_log("log", 25);
  const auto notary = open(*log);
  sign_all(*notary);
  disk_.flip_bit("notary/tree", (2 * 7 - 3 + 3) * 256);  // node (3, 0)
  EXPECT_TRUE(notary->prove_inclusion(3, 25));
  EXPECT_EQ(notary->prove_inclusion(9, 25).error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(notary->prove_consistency(12, 25).error().kind, ErrorKind::kCorrupt);
}

// Which log it is says the first claim, but of a log in files, which knows it before.
TEST_F(NotaryTest, WaitsForTheFirstClaim) {
  MemoryLog memory;
  const auto notary = Notary::open(memory, kPartition, key_, options());
  ASSERT_FALSE(notary);
  EXPECT_EQ(notary.error().kind, ErrorKind::kNotFound);
  const auto files = must(SegmentLog::open(small_segments(disk_, "log")));
  EXPECT_FALSE(must(open(*files)->sign_if_due(kNoon, true))) << "nothing to sign";
}

TEST_F(NotaryTest, SignsNothingForALogThatWasRolledBack) {
  {
    const auto log = make_log("log", 20);
    sign_all(*open(*log));
  }
  const auto older = make_log("older", 19);
  const auto notary = Notary::open(*older, kPartition, key_, options());
  ASSERT_FALSE(notary);
  EXPECT_EQ(notary.error().kind, ErrorKind::kCorrupt);
  EXPECT_THAT(notary.error().message, HasSubstr("it ends before"));
}

TEST_F(NotaryTest, SignsNothingForAnotherHistory) {
  {
    const auto log = make_log("log", 20);
    const auto notary = open(*log);
    (void)must(notary->follow(10));
    (void)must(notary->sign_if_due(kNoon, true));
    sign_all(*notary);
  }
  const auto other_end = make_log("other end", 21, [](uint64_t number) {
    return number == 19 ? std::string("another end") : honest(number);
  });
  EXPECT_THAT(Notary::open(*other_end, kPartition, key_, options()).error().message,
              HasSubstr("its decision 19 is another one"));
  // What lies deeper is seen when the tree is made again; before that by tenure audit verify.
  must(disk_.remove("notary/tree"));
  const auto forged = make_log("forged", 20, [](uint64_t number) {
    return number == 12 ? std::string("forged") : honest(number);
  });
  const auto notary = open(*forged);
  Result<bool> followed = true;
  while (followed && *followed) followed = notary->follow(5);
  ASSERT_FALSE(followed);
  EXPECT_THAT(followed.error().message, HasSubstr("something before decision 20"));
  EXPECT_EQ(notary->sign_if_due(kNoon, true).error().kind, ErrorKind::kCorrupt);
}

TEST_F(NotaryTest, AFullDiskOnlyDelaysIt) {
  const auto log = make_log("log", 40);
  SimulatedFileSystem disk(3, 300);
  NotaryOptions given = options();
  given.files = &disk;
  const auto notary = must(Notary::open(*log, kPartition, key_, given));
  while (must(notary->follow(10))) {
  }
  EXPECT_EQ(notary->sign_if_due(kNoon, true).error().kind, ErrorKind::kUnavailable);
  disk.set_capacity(1u << 20);
  EXPECT_EQ(must(notary->sign_if_due(kNoon, true))->checkpoint.size, 40);
  EXPECT_TRUE(verify(*log, must(notary->heads_from(0, 10))).findings.empty());
}

TEST_F(NotaryTest, AFailedSyncOfTheTreeEndsIt) {
  const auto log = make_log("log", 4);
  const auto notary = open(*log);
  (void)must(notary->follow(10));
  disk_.fail_next_sync();
  EXPECT_EQ(notary->sign_if_due(kNoon, true).error().kind, ErrorKind::kIo);
  EXPECT_EQ(notary->sign_if_due(kNoon, true).error().kind, ErrorKind::kIo);
  EXPECT_EQ(notary->latest(), std::nullopt);
}

}  // namespace
}  // namespace tenure::test
