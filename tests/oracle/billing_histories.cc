// Random billing histories: organizations that buy, change, use, cancel and pay for a year and
// more, or do not pay, through decide and evolve with due work. Writes the catalog, then each
// decision as a line of JSON, one organization after the other, for billing_oracle.py.
//
//   billing_histories FIRST COUNT     organizations FIRST to FIRST + COUNT - 1, each of its own
//   seed
#include <algorithm>
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
constexpr const char* kCountries[] = {"DE", "CM", "CH", "US"};

class History {
 public:
  explicit History(uint64_t seed) : random_(seed), org_("o" + std::to_string(seed)) {}

  void run() {
    now_ = kEarliest + random_duration(std::chrono::days(400));
    const Time end = now_ + kYear;
    sandbox_ = chance(15);
    pays_late_ = chance(25);
    send("user:ada", "CreateOrganization",
         std::string(R"({"name":"O","rulebook":"space","billing_mode":")") +
             (chance(25) ? "consolidated" : "per_space") + "\"" +
             (sandbox_ ? R"(,"sandbox":true)" : "") + "}");
    if (chance(40)) change_country("");
    while (clock() < end && !(sandbox_ && organization().deleted)) {
      pass_time();
      step();
      pay();
    }
    // Whatever is left becomes due, and a last command is behind all of it.
    wait(kYear + std::chrono::days(60));
    send("user:ada", "RenameOrganization", R"({"name":"P"})");
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

  const Organization& organization() const { return *machine_.find(org_); }
  Time clock() const {
    const Organization* held = machine_.find(org_);
    return held != nullptr && held->clock ? *held->clock : now_;
  }

  void send(const std::string& actor, const std::string& type, const std::string& command) {
    const std::string json = R"({"id":"c)" + std::to_string(++sent_) + R"(","org":")" + org_ +
                             R"(","actor":")" + actor + R"(","command_type":")" + type +
                             R"(","command":)" + command + "}";
    const auto bytes = reader_.read(json);
    CHECK(bytes.has_value());
    machine_.apply(*bytes, now_);
  }

  void wait_until(Time time) {
    if (!sandbox_) {
      now_ = time;
      return;
    }
    send("user:ada", "AdvanceClock", R"({"to":")" + format_time(to_micros(time)) + "\"}");
  }
  void wait(Duration duration) { wait_until(clock() + duration); }

  // Days, or until something is due of the organization and a moment around it. The clock of a
  // sandbox may also stand still.
  void pass_time() {
    if (sandbox_ && chance(30)) return;
    if (chance(40) && !organization().due.empty()) {
      const Duration around = random_duration(std::chrono::minutes(90)) - std::chrono::minutes(20);
      return wait_until(std::max(clock() + Duration(1), organization().due.begin()->at + around));
    }
    wait(random_duration(std::chrono::days(chance(30) ? 1 : 20)) + Duration(1));
  }

  std::string space() { return "s" + std::to_string(below(3)); }

  void step() {
    const std::string id = space();
    const std::string in_space = R"({"space":")" + id + "\"";
    if (below(800) == 0) return change_organization();
    if (!organization().spaces.contains(id)) {
      return send("user:ada", "CreateSpace", in_space + R"(,"name":"S","plan":"free"})");
    }
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return change_plan(id, in_space);
      case 4:
        return send("user:ada", "UpgradePlan", in_space + R"(,"plan":"free"})");
      case 5:
        return send("user:ada", "ResumeSubscription", in_space + "}");
      case 6:
        return credits(in_space);
      case 7:
        return top_up(id, in_space);
      case 8:
        return end_space(in_space);
      case 9:
        return change_account(id);
      case 10:
        return correct();
      case 11:
        if (chance(50)) return set_cap(in_space);
        return send(
            "user:ada", "ChangeBillingMode",
            chance(50) ? R"({"billing_mode":"consolidated"})" : R"({"billing_mode":"per_space"})");
      default:
        return use(in_space);
    }
  }

  void change_organization() {
    send("user:ada", "DeleteOrganization", R"({"confirm":true})");
    if (!sandbox_) wait(random_duration(std::chrono::days(40)));
    send("user:ada", "RestoreOrganization", "{}");
  }

  void end_space(const std::string& in_space) {
    if (chance(10)) send("user:ada", "DeleteSpace", in_space + R"(,"confirm":true})");
    if (chance(10)) send("user:ada", "ArchiveSpace", in_space + "}");
    if (chance(60)) send("user:ada", "RestoreSpace", in_space + "}");
  }

  // A checkout is paid within a day, or fails, or is forgotten.
  void settle(const std::string& checkout) {
    if (chance(10)) return;
    if (chance(2)) {
      const std::string space = organization().checkouts.find(checkout)->second.str();
      return send("user:ada", "DeleteSpace", R"({"confirm":true,"space":")" + space + "\"}");
    }
    if (!sandbox_ || chance(50)) wait(random_duration(std::chrono::hours(20)));
    send("service:admin", chance(90) ? "ConfirmPayment" : "FailPayment",
         R"({"checkout":")" + checkout + "\"}");
  }

  void change_plan(const std::string& id, const std::string& in_space) {
    const size_t plan = chance(80) ? below(3) : below(std::size(kPaid));
    send("user:ada", "UpgradePlan", in_space + R"(,"confirm":true,"plan":")" + kPaid[plan] + "\"}");
    const auto& pending = organization().spaces.find(id)->second.subscription.pending;
    if (!pending) return;
    if (chance(3)) send("user:ada", "ChangeBillingMode", R"({"billing_mode":"consolidated"})");
    settle(pending->checkout.str());
    if (sandbox_ && chance(30)) change_at_once(in_space);
  }

  // In one instant, which only the clock of a sandbox allows: the period until now takes no time.
  void change_at_once(const std::string& in_space) {
    use(in_space);
    const std::string yearly = kPaid[3 + below(3)];
    send("user:ada", "UpgradePlan", in_space + R"(,"confirm":true,"plan":")" + yearly + "\"}");
    use(in_space);
  }

  std::string entry() {
    constexpr uint64_t kMost[] = {1'000, 60'000, 150'000, 900'000, 3'000'000, 25'000'000};
    std::string json = R"({"source":"g","id":"u)" +
                       std::to_string(chance(10) ? below(40) : ++used_) +
                       R"(","meter":"api_requests","quantity":)" +
                       std::to_string(below(kMost[below(std::size(kMost))]));
    if (chance(40)) {
      const Time at = clock() - random_duration(std::chrono::days(chance(60) ? 3 : 100));
      json += R"(,"time":")" + format_time(to_micros(at)) + "\"";
    }
    return json + "}";
  }

  void use(const std::string& in_space) {
    std::string entries = entry();
    while (chance(30)) entries += "," + entry();
    send("service:admin", "RecordUsage", in_space + R"(,"entries":[)" + entries + "]}");
  }

  void set_cap(const std::string& in_space) {
    const std::string amount =
        chance(70) ? R"(,"amount_minor":)" + std::to_string(below(30'000)) : "";
    send("user:ada", "SetSpendingCap", in_space + R"(,"meter":"api_requests")" + amount + "}");
  }

  std::string grant(const std::string& in_space) {
    std::string json = in_space + R"(,"grant":"g)" + std::to_string(++grants_) +
                       R"(","amount_minor":)" + std::to_string(1 + below(5'000));
    if (chance(60)) {
      const Time expires = clock() + random_duration(std::chrono::days(90)) + Duration(1);
      json += R"(,"expires":")" + format_time(to_micros(expires)) + "\"";
    }
    if (chance(30)) json += R"(,"priority":)" + std::to_string(below(101));
    return json + "}";
  }

  void credits(const std::string& in_space) {
    if (chance(60)) return send("service:admin", "GrantCredits", grant(in_space));
    send("service:admin", "UseCredits",
         in_space + R"(,"description":"x","amount_minor":)" + std::to_string(1 + below(8'000)) +
             "}");
  }

  void top_up(const std::string& id, const std::string& in_space) {
    send("user:ada", "TopUpCredits", grant(in_space));
    const auto& waiting = organization().spaces.find(id)->second.top_ups;
    if (waiting.empty()) return;
    const std::string checkout = waiting.begin()->first.str();
    if (chance(10)) change_country(id);
    settle(checkout);
  }

  // Of a space, or of the organization.
  void change_account(const std::string& id) {
    const std::string whose = chance(50) ? R"("space":")" + id + "\"" : "";
    const std::string comma = whose.empty() ? "" : ",";
    if (chance(50)) return change_country(whose.empty() ? "" : id);
    if (chance(25)) return send("user:ada", "RemovePaymentMethod", "{" + whose + "}");
    const char* token = chance(25) ? "tok_declined" : "tok_visa";
    send("user:ada", "SetPaymentMethod",
         "{" + whose + comma + R"("label":"Visa","token":")" + token + "\"}");
  }

  void change_country(const std::string& space) {
    machine_.apply(set_country("c" + std::to_string(++sent_), org_,
                               kCountries[below(std::size(kCountries))], space),
                   now_);
  }

  struct Open {
    std::string id;
    Minor total, left;
  };
  std::vector<Open> invoices() const {
    std::vector<Open> all;
    for (const auto& [id, invoice] : organization().invoices) {
      all.push_back({id.str(), invoice.total, invoice.left()});
    }
    return all;
  }

  void tell(const char* type, const Open& invoice, Minor amount) {
    const std::string said = std::string(type) == "IssueCreditNote"
                                 ? R"("description":"x")"
                                 : R"("reference":"r)" + std::to_string(sent_) + "\"";
    send("service:admin", type,
         "{" + said + R"(,"invoice":")" + invoice.id + R"(","amount_minor":)" +
             std::to_string(amount) + "}");
  }

  // Credit notes, of parts or of all; or a payment that fails.
  void correct() {
    const std::vector<Open> all = invoices();
    if (all.empty()) return;
    const Open& invoice = all[below(all.size())];
    if (chance(40)) return tell("FailInvoicePayment", invoice, invoice.total);
    if (chance(30)) return tell("IssueCreditNote", invoice, invoice.total);
    for (uint64_t notes = 1 + below(3); notes > 0; --notes) {
      const auto most = static_cast<uint64_t>(invoice.total) / notes + 1;
      tell("IssueCreditNote", invoice, static_cast<Minor>(1 + below(most)));
    }
  }

  // Most pay. Who pays late is warned, suspended and loses the plan, and may pay all of it then.
  void pay() {
    const uint64_t pays = !pays_late_ ? 90 : chance(3) ? 100 : 1;
    for (const Open& invoice : invoices()) {
      if (invoice.left <= 0 || !chance(pays)) continue;
      const bool part = chance(10) && invoice.left > 1;
      tell("RecordPayment", invoice, part ? invoice.left / 2 : invoice.left);
    }
  }

  std::mt19937_64 random_;
  const std::string org_;
  DomainMachine machine_{DomainMachine::Keep::kHistory, test_rulebooks(), taxed_catalog()};
  JsonReader reader_{command_schema()};
  Time now_{};
  bool sandbox_ = false, pays_late_ = false;
  uint64_t sent_ = 0, used_ = 0, grants_ = 0;
};

uint64_t number_in(const char* text) {
  uint64_t number = 0;
  std::from_chars(text, text + std::string_view(text).size(), number);
  return number;
}

void write_catalog() {
  std::string json = taxed_catalog_text();
  std::erase(json, '\n');
  std::puts(json.c_str());
}

}  // namespace
}  // namespace tenure

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: billing_histories FIRST COUNT\n", stderr);
    return 2;
  }
  tenure::write_catalog();
  const uint64_t first = tenure::number_in(argv[1]), count = tenure::number_in(argv[2]);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    tenure::History history(seed);
    history.run();
    history.write();
  }
}
