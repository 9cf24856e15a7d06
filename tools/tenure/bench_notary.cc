#include "tools/tenure/bench_notary.h"

#include <fmt/format.h>

#include <chrono>

#include "consumers/notary/notary.h"
#include "consumers/notary/verify_log.h"
#include "tools/tenure/bench_engine_run.h"

namespace tenure {
namespace {

constexpr size_t kAtOnce = 250'000;  // decisions: hashed from memory, followed in a step

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Some of the log's payloads in memory, one after the other.
struct Payloads {
  std::vector<std::byte> bytes;
  std::vector<size_t> sizes;

  template <class See>
  void each(See see) const {
    std::span<const std::byte> rest(bytes);
    for (const size_t size : sizes) {
      see(rest.first(size));
      rest = rest.subspan(size);
    }
  }
};

Result<Payloads> read_payloads(DecisionLog& log) {
  Payloads payloads;
  LogReader reader(TRY(log.read({}, Offset{0})), {});
  while (payloads.sizes.size() < kAtOnce) {
    const auto decision = TRY(reader.next());
    if (!decision) break;
    payloads.bytes.insert(payloads.bytes.end(), decision->payload.begin(), decision->payload.end());
    payloads.sizes.push_back(decision->payload.size());
  }
  return payloads;
}

// Leaf and node hashes, beside SHA-256 of messages of the same lengths; in turn, as a machine's
// speed varies.
void bench_tree(const Payloads& payloads, bool json) {
  constexpr int kRounds = 5;
  TreeHasher hasher;
  const std::array<std::byte, 65> node{};
  double took = 0, bare = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = Clock::now();
    Frontier tree;
    payloads.each([&](std::span<const std::byte> payload) {
      tree.append(hasher, hasher.leaf(payload), [](const Hash&) {});
    });
    took += seconds_since(begin);
    const auto bare_begin = Clock::now();
    payloads.each([&](std::span<const std::byte> payload) {
      (void)hasher.sha256(payload);
      (void)hasher.sha256(node);
    });
    bare += seconds_since(bare_begin);
  }
  const auto count = static_cast<double>(kRounds * payloads.sizes.size());
  BenchRow row;
  row.bench = "notary/tree";
  row.per_s = count / took;
  row.probe = "bare SHA-256 of leaf + node";
  row.probe_per_s = count / bare;
  row.more = {{"bytes_a_decision", static_cast<double>(payloads.bytes.size()) /
                                       static_cast<double>(payloads.sizes.size())},
              {"times_bare", took / bare}};
  print_bench_row(row, json);
}

// As `openssl speed -evp sha256` does it: messages of one size, again and again.
double probe_bytes_per_s(const Payloads& payloads) {
  TreeHasher hasher;
  const size_t size = payloads.bytes.size() / payloads.sizes.size();
  const std::span<const std::byte> message = std::span(payloads.bytes).first(size);
  const auto begin = Clock::now();
  for (size_t i = 0; i < payloads.sizes.size(); ++i) (void)hasher.sha256(message);
  return static_cast<double>(size * payloads.sizes.size()) / seconds_since(begin);
}

Result<void> bench_verify(DecisionLog& log, const Payloads& payloads, const std::string& directory,
                          bool json) {
  const SigningKey key = TRY(SigningKey::open_or_make(directory + ".key"));
  const auto notary = TRY(Notary::open(log, {}, key, {.directory = directory}));
  const auto signing = Clock::now();
  while (TRY(notary->follow(kAtOnce))) {
  }
  const auto head = TRY(notary->sign_if_due(SystemClock().now(), true));
  const double signed_in = seconds_since(signing);
  if (!head) return fail(ErrorKind::kCorrupt, "there was nothing to sign");
  const double probe = probe_bytes_per_s(payloads);
  const auto begin = Clock::now();
  const auto told = TRY(verify_log(TRY(log.read({}, Offset{0})), {}, {}, {*head}));
  const double took = seconds_since(begin);
  if (!told.findings.empty()) return fail(ErrorKind::kCorrupt, told.findings.front());
  BenchRow row;
  row.bench = "notary/verify_bytes";
  row.per_s = static_cast<double>(told.bytes) / took;
  row.probe = "SHA-256 at that size";
  row.probe_per_s = probe;
  row.more = {{"decisions_per_s", static_cast<double>(told.end) / took},
              {"signed_per_s", static_cast<double>(told.end) / signed_in}};
  print_bench_row(row, json);
  return {};
}

}  // namespace

Result<void> bench_notary(const BenchOptions& options) {
  const std::string data = options.directory + "/data";
  TRY(write_mix(options, data));
  SegmentOptions opening;
  opening.directory = data + "/log";
  const auto log = TRY(SegmentLog::open(std::move(opening)));
  const Payloads payloads = TRY(read_payloads(*log));
  bench_tree(payloads, options.json);
  return bench_verify(*log, payloads, options.directory + "/notary", options.json);
}

}  // namespace tenure
