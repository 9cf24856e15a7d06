#include "tools/tenure/bench_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenure {

Latencies Latencies::of(std::span<uint64_t> nanoseconds) {
  if (nanoseconds.empty()) return {};
  std::ranges::sort(nanoseconds);
  auto at = [&](double share) {
    auto index = static_cast<size_t>(share * static_cast<double>(nanoseconds.size() - 1));
    return static_cast<double>(nanoseconds[index]) / 1e3;
  };
  return {at(0.5), at(0.99), at(0.999), at(1.0)};
}

void print_bench_row(const BenchRow& row, bool json) {
  double ratio = row.probe_per_s > 0 ? row.per_s / row.probe_per_s : 0;
  const auto& l = row.latencies;
  if (json) {
    std::string more;
    for (const auto& [name, value] : row.more) more += fmt::format(",\"{}\":{:.6g}", name, value);
    fmt::print(
        "{{\"bench\":\"{}\",\"per_s\":{:.1f},\"probe\":\"{}\",\"probe_per_s\":{:.1f},\"ratio\":{:."
        "4f},"
        "\"p50_us\":{:.2f},\"p99_us\":{:.2f},\"p999_us\":{:.2f},\"max_us\":{:.2f}{}}}\n",
        row.bench, row.per_s, row.probe, row.probe_per_s, ratio, l.p50_us, l.p99_us, l.p999_us,
        l.max_us, more);
  } else {
    fmt::print("{:<26} {:>12.0f}/s", row.bench, row.per_s);
    if (!row.probe.empty()) {
      fmt::print("  {:.3f} of {} ({:.0f}/s)", ratio, row.probe, row.probe_per_s);
    }
    fmt::print("  p50 {:.1f} us  p99 {:.1f}  p99.9 {:.1f}", l.p50_us, l.p99_us, l.p999_us);
    for (const auto& [name, value] : row.more) fmt::print("  {} {:.6g}", name, value);
    fmt::print("\n");
  }
  std::fflush(stdout);
}

}  // namespace tenure
