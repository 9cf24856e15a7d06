// Random billing histories: organizations that buy, change, use, cancel and pay for a year and
// more, through decide and evolve with due work. Writes each decision as a line of JSON, one
// organization after the other, for billing_oracle.py.
//
//   billing_histories FIRST COUNT     organizations FIRST to FIRST + COUNT - 1, each of its own
//   seed
#include <charconv>
#include <cstdio>
#include <random>

#include "engine/base/check.h"
#include "engine/json/json_edge.h"
#include "tests/domain/domain_machine.h"

namespace tenure {
namespace {

constexpr Time kEarliest = from_micros(1'767'225'600'000'000);  // 2026-01-01T00:00:00Z
constexpr Duration kYear = std::chrono::days(366);
constexpr const char* kPaid[] = {"basic",        "pro",        "scale",
                                 "basic-yearly", "pro-yearly", "scale-yearly"};

class History {
 public:
  explicit History(uint64_t seed) : random_(seed), org_("o" + std::to_string(seed)) {}

  void run() {
    now_ = kEarliest + random_duration(std::chrono::days(400));
    const Time end = now_ + kYear;
    const bool consolidated = chance(25);
    send("user:ada", "CreateOrganization",
         std::string(R"({"name":"O","rulebook":"space","billing_mode":")") +
             (consolidated ? "consolidated" : "per_space") + "\"}");
    while (now_ < end) {
      pass_time();
      step();
      pay();
    }
    // Whatever is left becomes due.
    now_ += kYear + std::chrono::days(60);
    machine_.do_all_due(now_);
  }

  void write() const {
    std::string line;
    for (const std::vector<uint8_t>& bytes : machine_.history()) {
      line.clear();
      write_decision_json("0:" + std::to_string(&bytes - machine_.history().data()),
                          std::as_bytes(std::span(bytes)), line);
      std::puts(line.c_str());
    }
  }

 private:
  uint64_t below(uint64_t end) { return random_() % end; }
  bool chance(uint64_t percent) { return below(100) < percent; }
  Duration random_duration(Duration most) {
    return Duration(static_cast<int64_t>(below(static_cast<uint64_t>(most.count()))));
  }

  void send(const std::string& actor, const std::string& type, const std::string& command) {
    const std::string json = R"({"id":"c)" + std::to_string(++sent_) + R"(","org":")" + org_ +
                             R"(","actor":")" + actor + R"(","command_type":")" + type +
                             R"(","command":)" + command + "}";
    const auto bytes = reader_.read(json);
    CHECK(bytes.has_value());
    machine_.apply(*bytes, now_);
  }

  // Days, or until something is due of the organization and a moment around it.
  void pass_time() {
    const auto* organization = machine_.find(org_);
    if (chance(40) && organization != nullptr && !organization->due.empty()) {
      const Duration around = random_duration(std::chrono::minutes(90)) - std::chrono::minutes(20);
      now_ = std::max(now_ + Duration(1), organization->due.begin()->at + around);
      return;
    }
    now_ += random_duration(std::chrono::days(chance(30) ? 1 : 20)) + Duration(1);
  }

  std::string space() { return "s" + std::to_string(below(3)); }

  void step() {
    const std::string id = space();
    const std::string in_space = R"({"space":")" + id + "\"";
    const auto& spaces = machine_.find(org_)->spaces;
    const auto held = spaces.find(id);
    if (held == spaces.end()) {
      return send("user:ada", "CreateSpace", in_space + R"(,"name":"S","plan":"free"})");
    }
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        return change_plan(id, in_space);
      case 3:
        return send("user:ada", "UpgradePlan", in_space + R"(,"plan":"free"})");
      case 4:
        return send("user:ada", "ResumeSubscription", in_space + "}");
      case 5:
        return credits(in_space);
      case 6:
        if (chance(10)) send("user:ada", "DeleteSpace", in_space + R"(,"confirm":true})");
        if (chance(50)) send("user:ada", "RestoreSpace", in_space + "}");
        return;
      default:
        return use(in_space);
    }
  }

  void change_plan(const std::string& id, const std::string& in_space) {
    const size_t plan = chance(80) ? below(3) : below(std::size(kPaid));
    send("user:ada", "UpgradePlan", in_space + R"(,"confirm":true,"plan":")" + kPaid[plan] + "\"}");
    const auto& pending = machine_.find(org_)->spaces.find(id)->second.subscription.pending;
    if (!pending || chance(10)) return;
    now_ += random_duration(std::chrono::hours(20));
    send("service:admin", "ConfirmPayment", R"({"checkout":")" + pending->checkout.str() + "\"}");
  }

  std::string entry() {
    constexpr uint64_t kMost[] = {1'000, 60'000, 150'000, 900'000, 3'000'000, 25'000'000};
    std::string json = R"({"source":"g","id":"u)" +
                       std::to_string(chance(5) ? below(40) : ++used_) +
                       R"(","meter":"api_requests","quantity":)" +
                       std::to_string(below(kMost[below(std::size(kMost))]));
    if (chance(40)) {
      const Time at = now_ - random_duration(std::chrono::days(chance(60) ? 3 : 100));
      json += R"(,"time":")" + format_time(to_micros(at)) + "\"";
    }
    return json + "}";
  }

  void use(const std::string& in_space) {
    std::string entries = entry();
    while (chance(30)) entries += "," + entry();
    send("service:admin", "RecordUsage", in_space + R"(,"entries":[)" + entries + "]}");
  }

  void credits(const std::string& in_space) {
    if (chance(50)) {
      std::string grant = in_space + R"(,"grant":"g)" + std::to_string(++grants_) +
                          R"(","amount_minor":)" + std::to_string(1 + below(5'000));
      if (chance(60)) {
        const Time expires = now_ + random_duration(std::chrono::days(90)) + Duration(1);
        grant += R"(,"expires":")" + format_time(to_micros(expires)) + "\"";
      }
      if (chance(30)) grant += R"(,"priority":)" + std::to_string(below(101));
      return send("service:admin", "GrantCredits", grant + "}");
    }
    send("service:admin", "UseCredits",
         in_space + R"(,"description":"x","amount_minor":)" + std::to_string(1 + below(4'000)) +
             "}");
  }

  // Most pay; who does not is suspended in the end.
  void pay() {
    std::vector<std::pair<std::string, Minor>> open;
    for (const auto& [id, invoice] : machine_.find(org_)->invoices) {
      if (invoice.left() > 0 && !chance(10)) open.emplace_back(id.str(), invoice.left());
    }
    for (const auto& [id, left] : open) {
      send("service:admin", "RecordPayment",
           R"({"reference":"r","invoice":")" + id + R"(","amount_minor":)" + std::to_string(left) +
               "}");
    }
  }

  std::mt19937_64 random_;
  const std::string org_;
  DomainMachine machine_;
  JsonReader reader_{command_schema()};
  Time now_{};
  uint64_t sent_ = 0, used_ = 0, grants_ = 0;
};

uint64_t number_in(const char* text) {
  uint64_t number = 0;
  std::from_chars(text, text + std::string_view(text).size(), number);
  return number;
}

}  // namespace
}  // namespace tenure

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: billing_histories FIRST COUNT\n", stderr);
    return 2;
  }
  const uint64_t first = tenure::number_in(argv[1]), count = tenure::number_in(argv[2]);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    tenure::History history(seed);
    history.run();
    history.write();
  }
}
