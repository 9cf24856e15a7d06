// What somebody with full rights on the machine may try, and how it is found.
#include "engine/log/segment_reader.h"
#include "tests/notary/notary_fixture.h"

namespace tenure::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Attack : public NotaryTest {
 protected:
  // 30 decisions, with a head after each 10.
  Attack() : log_(make_log("log", 30)) {
    const auto notary = open(*log_);
    for (int i = 0; i < 3; ++i) {
      (void)must(notary->follow(10));
      heads_.push_back(must(notary->sign_if_due(kNoon + std::chrono::minutes(i), true)).value());
    }
    keys_trusted_ = {verifier(*notary)};
    origin_ = notary->origin();
  }

  BelievedHeads believed(const std::vector<SignedHead>& heads) const {
    return believe(heads, origin_, keys_trusted_);
  }
  // Of the heads and then of the log.
  std::vector<std::string> findings(DecisionLog& log, const std::vector<SignedHead>& heads) const {
    BelievedHeads good = believed(heads);
    const LogVerification told = verify(log, good.heads);
    good.findings.insert(good.findings.end(), told.findings.begin(), told.findings.end());
    return good.findings;
  }

  std::unique_ptr<SegmentLog> log_;
  std::vector<SignedHead> heads_;
  std::vector<VerifierKey> keys_trusted_;
  std::string origin_;
};

TEST_F(Attack, NobodyDidAnything) {
  EXPECT_THAT(findings(*log_, heads_), IsEmpty());
  EXPECT_EQ(verify(*log_, heads_).met.size(), 3);
}

// A record is another one, and all checksums, of records, batches and segments, are right.
TEST_F(Attack, ForgedHistory) {
  const auto forged = make_log("forged", 30, [](uint64_t number) {
    return number == 17 ? std::string("forged") : honest(number);
  });
  EXPECT_THAT(
      findings(*forged, heads_),
      ElementsAre(HasSubstr("the head of size 20 signed at 2026-09-21T14:14:20.000000Z does "
                            "not fit; one or more of the decisions 10 to 19 were changed")));
}

TEST_F(Attack, OlderLogBesideTheHeads) {
  EXPECT_THAT(findings(*make_log("older", 20), heads_),
              ElementsAre(HasSubstr("decisions 20 to 29 are missing")));
}

TEST_F(Attack, OmittedTail) {
  EXPECT_THAT(findings(*make_log("cut", 29), heads_),
              ElementsAre(HasSubstr("decisions 29 to 29 are missing")));
}

// Log and heads are both the older ones: by themselves they agree. A head held elsewhere tells.
TEST_F(Attack, OlderLogAndHeads) {
  const auto older = make_log("older", 20);
  const std::vector<SignedHead> left(heads_.begin(), heads_.begin() + 2);
  EXPECT_THAT(findings(*older, left), IsEmpty());
  std::vector<SignedHead> with_held = left;
  with_held.push_back(heads_[2]);
  EXPECT_THAT(findings(*older, with_held), ElementsAre(HasSubstr("is older than")));
}

TEST_F(Attack, AnotherKey) {
  const SigningKey other = must(SigningKey::open_or_make(keys_.path() + "/other.pem"));
  std::vector<SignedHead> heads;
  for (const SignedHead& head : heads_) heads.push_back(other.sign(head.checkpoint));
  EXPECT_THAT(findings(*log_, heads),
              ElementsAre(HasSubstr("is not signed by a key that you trust"),
                          HasSubstr("is not signed"), HasSubstr("is not signed")));
}

TEST_F(Attack, AHeadWithAnotherRoot) {
  std::vector<SignedHead> heads = heads_;
  heads[1].checkpoint.root[5] ^= 1;
  heads[1].text = heads[1].checkpoint.text();
  EXPECT_THAT(findings(*log_, heads), ElementsAre(HasSubstr("its signature does not hold")));
}

TEST_F(Attack, AnotherLog) {
  SegmentOptions options = small_segments(disk_, "other");
  options.new_log_id = random_log_id;
  const auto other = must(SegmentLog::open(options));
  append(*other, must(other->open_writer(kPartition, {})), 30);
  const auto notary = open(*other, "other notary");
  const SignedHead head = sign_all(*notary);
  EXPECT_THAT(findings(*other, {head}), ElementsAre(HasSubstr("is of another log: tenure/")));
}

// The notary itself signs two histories: whoever sees both heads has proof of it.
TEST_F(Attack, Fork) {
  const auto forged = make_log("forged", 30, [](uint64_t number) {
    return number == 29 ? std::string("forged") : honest(number);
  });
  const auto notary = open(*forged, "second notary");
  std::vector<SignedHead> heads = heads_;
  heads.push_back(sign_all(*notary));
  EXPECT_THAT(believed(heads).findings, ElementsAre(HasSubstr("two heads of size 30")));
}

TEST_F(Attack, ADamagedRecordIsOneFindingAndWhatIsBehindItAnother) {
  log_.reset();
  // In the batch of decision 10 or so, of 200 bytes and more each.
  disk_.flip_bit("log/" + segment_name(0), uint64_t{3000} * 8);
  auto cursor = [&] {
    auto reader = SegmentReader::open(disk_, "log", SegmentReader::Tail::kSync);
    return reader ? reader->read(Offset{0})
                  : Result<std::unique_ptr<RecordCursor>>(std::unexpected(reader.error()));
  }();
  if (!cursor) {
    EXPECT_EQ(cursor.error().kind, ErrorKind::kCorrupt);  // it is not even opened
    return;
  }
  const auto told = must(verify_log(std::move(*cursor), {}, {}, heads_));
  EXPECT_THAT(told.findings, ElementsAre(HasSubstr("the log is damaged"), HasSubstr("missing")));
}

// One part of the log, by the tree on disk, which is not trusted either.
TEST_F(Attack, InARange) {
  const TreeFile tree = must(TreeFile::open_to_read(disk_, "notary/tree"));
  const auto verify = [&](SegmentLog& log, uint64_t begin, uint64_t end, const NodeSource& nodes) {
    const Offset offset = must(log.find(kPartition, Number{begin}));
    return must(verify_range(must(log.read(kPartition, offset)), {offset, Number{begin}, Stamp{1}},
                             end, nodes, heads_[2]))
        .findings;
  };
  const auto forged = make_log("forged", 30, [](uint64_t number) {
    return number == 17 ? std::string("forged") : honest(number);
  });
  for (uint64_t begin = 0; begin < 30; ++begin) {
    for (uint64_t end = begin + 1; end <= 30; ++end) {
      EXPECT_THAT(verify(*log_, begin, end, tree), IsEmpty()) << begin << " " << end;
      const bool has_it = begin <= 17 && 17 < end;
      EXPECT_EQ(verify(*forged, begin, end, tree).empty(), !has_it) << begin << " " << end;
    }
  }
  EXPECT_THAT(verify(*make_log("cut", 20), 15, 25, tree),
              ElementsAre(HasSubstr("decisions 20 to 24 are missing")));
  // A tree that was made to fit the forged record does not have the signed root.
  const auto notary = open(*forged, "forger");
  sign_all(*notary);
  const TreeFile fitting = must(TreeFile::open_to_read(disk_, "forger/tree"));
  EXPECT_THAT(verify(*forged, 10, 20, fitting), ElementsAre(HasSubstr("are not what was signed")));
}

}  // namespace
}  // namespace tenure::test
