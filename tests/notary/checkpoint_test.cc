// Heads and keys as texts.
#include "consumers/notary/checkpoint.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/log/log_fixture.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  SigningKey key(const std::string& name = "key.pem") const {
    return must(SigningKey::open_or_make(directory_.path() + "/" + name));
  }
  static TreeHead checkpoint(uint64_t size = 41) {
    return {.origin = origin_of("abc", PartitionId{3}),
            .size = size,
            .root = empty_tree_hash(),
            .time = from_micros(1'790'000'000'000'000)};
  }
  TemporaryDirectory directory_;
};

TEST_F(CheckpointTest, IsWrittenAsTheFormatSays) {
  EXPECT_EQ(checkpoint().text(),
            "tenure/abc/3\n41\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
            "time 2026-09-21T14:13:20.000000Z\n");
  const SignedHead head = key().sign(checkpoint());
  EXPECT_THAT(head.note(), HasSubstr("Z\n\n\xe2\x80\x94 tenure/abc/3 "));
}

TEST_F(CheckpointTest, IsReadBackAndItsSignatureHolds) {
  const SigningKey signer = key();
  const SignedHead head = signer.sign(checkpoint());
  const SignedHead read = must(SignedHead::parse(head.note()));
  EXPECT_EQ(read.checkpoint, head.checkpoint);
  EXPECT_EQ(read.note(), head.note());
  EXPECT_EQ(signer.public_key("tenure/abc/3").has_signed(read), true);
  EXPECT_EQ(signer.public_key("tenure/abc/2").has_signed(read), std::nullopt);
  EXPECT_EQ(key("other.pem").public_key("tenure/abc/3").has_signed(read), std::nullopt);
}

// Whatever byte of it is changed, it is no head any more, or one that nobody signed.
TEST_F(CheckpointTest, NoByteOfItCanBeChanged) {
  const SigningKey signer = key();
  const VerifierKey verifier = signer.public_key("tenure/abc/3");
  const std::string note = signer.sign(checkpoint()).note();
  for (size_t i = 0; i < note.size(); ++i) {
    std::string changed = note;
    changed[i] ^= 1;
    const auto read = SignedHead::parse(changed);
    EXPECT_FALSE(read && verifier.has_signed(*read) == true) << i << ": " << changed;
  }
}

TEST_F(CheckpointTest, OtherLinesAndOtherSignaturesAreTakenAlong) {
  const SigningKey signer = key();
  SignedHead head = signer.sign(checkpoint());
  std::string note = head.note();
  note += "\xe2\x80\x94 witness.example AAAAAAAAAAAA\n";
  EXPECT_EQ(signer.public_key("tenure/abc/3").has_signed(must(SignedHead::parse(note))), true);
}

TEST_F(CheckpointTest, HeadsFollowEachOtherAndATornOneIsFound) {
  const SigningKey signer = key();
  const std::string first = signer.sign(checkpoint(1)).note();
  const std::string second = signer.sign(checkpoint(2)).note();
  EXPECT_EQ(must(parse_heads(first + second)).size(), 2);
  for (size_t cut = 1; cut < second.size(); ++cut) {
    size_t torn = 0;
    const auto heads = parse_heads(first + second.substr(0, cut), &torn);
    ASSERT_TRUE(heads) << cut << heads.error().message;
    EXPECT_EQ(heads->size(), 1) << cut;
    EXPECT_EQ(torn, first.size()) << cut;
    EXPECT_FALSE(parse_heads(first + second.substr(0, cut))) << cut;
  }
  std::string damaged = second;
  damaged[damaged.find("\n2\n") + 1] = 'x';
  size_t torn = 0;
  EXPECT_FALSE(parse_heads(first + damaged, &torn));
}

TEST_F(CheckpointTest, KeysAreTextsToo) {
  const VerifierKey verifier = key().public_key("tenure/abc/3");
  EXPECT_EQ(must(VerifierKey::parse(verifier.text())).text(), verifier.text());
  EXPECT_EQ(must(parse_keys("# a comment\n\n" + verifier.text() + "\r\n")).size(), 1);
  EXPECT_FALSE(parse_keys("# nothing\n"));
  for (std::string text : {std::string(), std::string("a+b"), verifier.text() + "A",
                           "x" + verifier.text(), verifier.text().substr(1)}) {
    EXPECT_FALSE(VerifierKey::parse(text)) << text;
  }
  // As the format's own documentation has one.
  EXPECT_TRUE(
      VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"));
}

TEST_F(CheckpointTest, TheKeyIsMadeOnceAndForItsOwnerAlone) {
  const std::string path = directory_.path() + "/key.pem";
  EXPECT_EQ(SigningKey::open(path).error().kind, ErrorKind::kNotFound);
  const std::string name = key().public_key("a").text();
  EXPECT_EQ(key().public_key("a").text(), name);
  struct stat about{};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600);
  ::chmod(path.c_str(), 0640);
  EXPECT_EQ(SigningKey::open(path).error().kind, ErrorKind::kInvalid);
  ::chmod(path.c_str(), 0600);
  std::ofstream(path) << "no key";
  EXPECT_EQ(SigningKey::open_or_make(path).error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace tenure::test
