// Bytes as what somebody offers as a proof: `i` of inclusion, `c` of consistency, `n` signed notes,
// `k` keys. Proofs are true ones of a real tree, changed as the input says; nothing verifies
// against a true head but what is true. A text that is read is the one text of what it says.
#include "consumers/notary/checkpoint.h"
#include "engine/base/check.h"
#include "tests/fuzz/input.h"
#include "tests/notary/memory_tree.h"

using namespace tenure;
using namespace tenure::test;

namespace {

constexpr uint64_t kLeaves = 21;

// A head of it, and the key of who signed it; nobody has the other half any more.
constexpr std::string_view kKey =
    "tenure/log/0+7443b35a+AceG8EcSDXCk7lkt6Qloh7CErzFCg3kM0tyjkX4a2g9l";
constexpr std::string_view kNote =
    "tenure/log/0\n"
    "21\n"
    "N3JJD5FvlVKq9Eq7HABGA56qVY5hn52K1IrJya9eSbg=\n"
    "time 2026-09-21T14:13:20.000000Z\n"
    "\n"
    "\xe2\x80\x94 tenure/log/0 "
    "dEOzWiOZvkKK5K5zmco0gx4S3vhOcHM/"
    "EvzlmUNPMXE8MQeF3R3RyE2mToRDrsAG+8K+Ao3ULMD1s8EjKfXEaoGslAs=\n";

const MemoryTree& tree() {
  static const MemoryTree kTree(payloads(kLeaves));
  return kTree;
}

// One of the tree's own nodes, which an attacker has, too.
Hash some_node(Input& input) {
  const auto level = static_cast<unsigned>(input.below(5));
  return tree().node(level, input.below(kLeaves >> level)).value();
}

void change(Proof& proof, Input& input) {
  const auto at = proof.begin() + static_cast<ptrdiff_t>(input.below(proof.size() + 1));
  const uint64_t how = input.below(4);
  if (how == 0) {
    proof.insert(at, some_node(input));
  } else if (at == proof.end()) {
    return;
  } else if (how == 1) {
    (*at)[input.below(at->size())] ^= input.byte();
  } else if (how == 2) {
    proof.erase(at);
  } else {
    *at = some_node(input);
  }
}

void change(Hash& hash, Input& input) {
  if (input.below(4) == 0) hash = some_node(input);
  if (input.below(4) == 0) hash[input.below(hash.size())] ^= input.byte();
}

void run_inclusion(Input& input) {
  const uint64_t size = 1 + input.below(kLeaves), proved = input.below(size);
  const Proof truth = inclusion_proof(tree(), proved, size).value();
  CHECK(verify_inclusion(proved, size, tree().leaf(proved), truth, tree().root(size)));

  const uint64_t claimed = input.below(4) == 0 ? input.number() : proved;
  Hash leaf = tree().leaf(proved);
  Proof offered = truth;
  change(leaf, input);
  for (uint64_t left = input.below(4); left > 0; --left) change(offered, input);
  const bool is_true = claimed < size && leaf == tree().leaf(claimed) &&
                       offered == inclusion_proof(tree(), claimed, size).value();
  CHECK(verify_inclusion(claimed, size, leaf, offered, tree().root(size)) == is_true);
}

void run_consistency(Input& input) {
  const uint64_t to = 1 + input.below(kLeaves), proved = 1 + input.below(to);
  const Proof truth = consistency_proof(tree(), proved, to).value();
  CHECK(verify_consistency(proved, to, tree().root(proved), tree().root(to), truth));

  const uint64_t claimed = input.below(4) == 0 ? input.number() : proved;
  Hash root = tree().root(proved);
  Proof offered = truth;
  change(root, input);
  for (uint64_t left = input.below(4); left > 0; --left) change(offered, input);
  const bool is_true = claimed > 0 && claimed <= to && root == tree().root(claimed) &&
                       offered == consistency_proof(tree(), claimed, to).value();
  CHECK(verify_consistency(claimed, to, root, tree().root(to), offered) == is_true);
}

void run_notes(std::string_view text) {
  static const VerifierKey kTrusted = VerifierKey::parse(kKey).value();
  static const SignedHead kTrue = SignedHead::parse(kNote).value();
  CHECK(kTrusted.has_signed(kTrue) == true);
  if (const auto note = SignedNote::parse(text)) {
    CHECK(note->note() == text);
    if (kTrusted.has_signed(*note) == true) CHECK(note->text == kTrue.text);
  }
  size_t torn = text.size();
  const auto heads = parse_heads(text, &torn);
  if (!heads) {
    CHECK(heads.error().kind == ErrorKind::kInvalid);
    return;
  }
  std::string whole;
  for (const SignedHead& head : *heads) {
    whole += head.note();
    if (kTrusted.has_signed(head) == true) CHECK(head.checkpoint == kTrue.checkpoint);
  }
  CHECK(whole == text.substr(0, torn));
}

void run_keys(std::string_view text) {
  if (const auto key = VerifierKey::parse(text)) CHECK(key->text() == text);
  const auto keys = parse_keys(text);
  if (!keys) return;
  for (const VerifierKey& key : *keys) CHECK(text.find(key.text()) != std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  switch (input.byte()) {
    case 'i':
      run_inclusion(input);
      break;
    case 'c':
      run_consistency(input);
      break;
    case 'n':
      run_notes(input.rest());
      break;
    case 'k':
      run_keys(input.rest());
      break;
    default:
      break;
  }
  return 0;
}
