// The tree of RFC 9162: the well-known vectors of eight leaves, every proof of small trees, and
// what is no proof.
#include "consumers/notary/merkle_tree.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/notary/memory_tree.h"

namespace tenure::test {
namespace {

// The vectors that certificate transparency's implementations share (RFC 6962, the same tree).
const std::vector<std::string> kLeaves = {std::string(),
                                          std::string("\0", 1),
                                          "\x10",
                                          "\x20\x21",
                                          "\x30\x31",
                                          "\x40\x41\x42\x43",
                                          "\x50\x51\x52\x53\x54\x55\x56\x57",
                                          "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d"
                                          "\x6e\x6f"};
const std::vector<std::string> kRoots = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

std::vector<std::string> hex_of(const Proof& proof) {
  std::vector<std::string> all;
  for (const Hash& hash : proof) all.push_back(to_hex(hash));
  return all;
}

std::vector<std::string> random_leaves(size_t count) {
  std::mt19937 random(7);
  std::vector<std::string> leaves(count);
  for (std::string& leaf : leaves) {
    leaf.resize(random() % 40);
    for (char& byte : leaf) byte = static_cast<char>(random());
  }
  return leaves;
}

TEST(MerkleTree, HasTheRootsOfTheVectors) {
  EXPECT_EQ(to_hex(empty_tree_hash()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const MemoryTree tree(kLeaves);
  TreeHasher hasher;
  Frontier frontier;
  for (size_t size = 1; size <= kLeaves.size(); ++size) {
    frontier.append(hasher, hasher.leaf(as_bytes(kLeaves[size - 1])), [](const Hash&) {});
    EXPECT_EQ(to_hex(frontier.root(hasher)), kRoots[size - 1]) << size;
    EXPECT_EQ(to_hex(must(tree_root(tree, size))), kRoots[size - 1]) << size;
  }
}

TEST(MerkleTree, HasTheProofsOfTheVectors) {
  using testing::ElementsAre;
  const std::string n10 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    n23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    n47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                    n4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    n67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    n45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
  const MemoryTree tree(kLeaves);
  const auto path = [&](uint64_t index, uint64_t size) {
    return hex_of(must(inclusion_proof(tree, index, size)));
  };
  EXPECT_THAT(path(0, 1), ElementsAre());
  EXPECT_THAT(path(0, 8), ElementsAre(n10, n23, n47));
  EXPECT_THAT(path(5, 8), ElementsAre(n4, n67, kRoots[3]));
  EXPECT_THAT(path(2, 3), ElementsAre(kRoots[1]));
  EXPECT_THAT(path(1, 5), ElementsAre(kRoots[0], n23, n4));
  const auto proof = [&](uint64_t from, uint64_t to) {
    return hex_of(must(consistency_proof(tree, from, to)));
  };
  EXPECT_THAT(proof(1, 1), ElementsAre());
  EXPECT_THAT(proof(1, 8), ElementsAre(n10, n23, n47));
  EXPECT_THAT(proof(6, 8), ElementsAre(n45, n67, kRoots[3]));
  EXPECT_THAT(proof(2, 5), ElementsAre(n23, n4));
}

TEST(MerkleTree, EveryProofOfSmallTreesHolds) {
  constexpr uint64_t kMost = 33;
  const MemoryTree tree(random_leaves(kMost));
  for (uint64_t size = 1; size <= kMost; ++size) {
    for (uint64_t index = 0; index < size; ++index) {
      const Proof proof = must(inclusion_proof(tree, index, size));
      EXPECT_TRUE(verify_inclusion(index, size, tree.leaf(index), proof, tree.root(size)));
    }
    for (uint64_t from = 1; from <= size; ++from) {
      const Proof proof = must(consistency_proof(tree, from, size));
      EXPECT_TRUE(verify_consistency(from, size, tree.root(from), tree.root(size), proof))
          << from << " " << size;
    }
  }
}

// A proof with one thing changed: a flipped bit, a hash too many, one too few, another place.
TEST(MerkleTree, NothingElseIsAProof) {
  constexpr uint64_t kMost = 17;
  const MemoryTree tree(random_leaves(kMost));
  const auto mutants = [](const Proof& proof) {
    std::vector<Proof> all;
    for (size_t i = 0; i < proof.size(); ++i) {
      Proof flipped = proof;
      flipped[i][i % 32] ^= 1;
      all.push_back(flipped);
      Proof without = proof;
      without.erase(without.begin() + static_cast<ptrdiff_t>(i));
      all.push_back(without);
    }
    Proof longer = proof;
    longer.emplace_back();
    all.push_back(longer);
    return all;
  };
  for (uint64_t size = 1; size <= kMost; ++size) {
    const Hash root = tree.root(size);
    for (uint64_t index = 0; index < size; ++index) {
      const Proof proof = must(inclusion_proof(tree, index, size));
      for (const Proof& other : mutants(proof)) {
        EXPECT_FALSE(verify_inclusion(index, size, tree.leaf(index), other, root));
      }
      for (uint64_t other = 0; other < size + 2; ++other) {
        const bool same = other == index;
        EXPECT_EQ(verify_inclusion(other, size, tree.leaf(index), proof, root), same);
      }
    }
    for (uint64_t from = 1; from < size; ++from) {
      const Proof proof = must(consistency_proof(tree, from, size));
      for (const Proof& other : mutants(proof)) {
        EXPECT_FALSE(verify_consistency(from, size, tree.root(from), root, other));
      }
      EXPECT_FALSE(verify_consistency(from, size, root, root, proof));
      EXPECT_FALSE(verify_consistency(from, size, tree.root(from), tree.root(from), proof));
    }
  }
}

TEST(MerkleTree, SaysWhatCannotBeProved) {
  const MemoryTree tree(kLeaves);
  EXPECT_EQ(inclusion_proof(tree, 8, 8).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(consistency_proof(tree, 0, 8).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(consistency_proof(tree, 9, 8).error().kind, ErrorKind::kInvalid);
  EXPECT_FALSE(verify_consistency(0, 8, empty_tree_hash(), tree.root(8), {}));
  EXPECT_FALSE(verify_inclusion(0, 0, tree.leaf(0), {}, empty_tree_hash()));
}

TEST(MerkleTree, AFrontierIsTakenFromTheNodes) {
  const MemoryTree tree(random_leaves(20));
  TreeHasher hasher;
  for (uint64_t size = 0; size <= 20; ++size) {
    EXPECT_EQ(must(tree_frontier(tree, size)).root(hasher), tree.root(size)) << size;
  }
}

TEST(MerkleTree, Base64IsOneTextAValue) {
  EXPECT_EQ(from_base64("AA=="), std::string("\0", 1));
  EXPECT_EQ(from_base64("AAA="), std::string("\0\0", 2));
  for (const char* text : {"", "A", "AA", "AB==", "AA==\n", "A===", " AA=", "AA=A"}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tenure::test
