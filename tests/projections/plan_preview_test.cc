// A preview that is read from the rows is the engine's, and the invoice says the same, to the cent.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "engine/domain/billing_rows.h"
#include "engine/domain/plan_preview.h"
#include "projections/key_layout.h"
#include "tests/projections/world.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kCountries[] = {"DE", "CM", "CH", "US"};
constexpr const char* kPlans[] = {"free", "basic", "pro", "scale", "basic-yearly", "pro-yearly"};

// "description 3 x: 450", as an invoice and a preview have it.
std::string line_text(std::string_view description, uint64_t quantity, Minor amount, Time from) {
  return std::string(description) + " " + std::to_string(quantity) +
         " x: " + std::to_string(amount) + " from " + format_time(to_micros(from));
}

class Shop {
 public:
  explicit Shop(uint64_t seed) : random_(seed) {
    world_.now += std::chrono::hours(seed * 37);
    const char* mode = seed % 3 == 0 ? "consolidated" : "per_space";
    send("CreateOrganization",
         R"({"name":"O","rulebook":"space","billing_mode":")" + std::string(mode) + "\"}");
    for (const char* space : {"a", "b"}) {
      send("CreateSpace", R"({"space":")" + std::string(space) + R"(","name":"S","plan":"free"})");
    }
    models_ = open_models(directory_.path(), world_);
  }

  bool change_plan(const std::string& space, const std::string& plan) {
    const std::string decided = send(
        "UpgradePlan", R"({"space":")" + space + R"(","confirm":true,"plan":")" + plan + "\"}");
    const auto& pending = space_of(space).subscription.pending;
    if (pending) send("ConfirmPayment", R"({"checkout":")" + pending->checkout.str() + "\"}");
    return decided == "accepted";
  }

  void wait(std::chrono::days days) {
    world_.now += days;
    do_due();
  }

  bool all_settled(const std::string& space) const {
    return std::ranges::all_of(space_of(space).periods, &Period::settled);
  }

  // Some days pass, then one thing happens.
  void step() {
    world_.now += std::chrono::seconds(below(9 * 86'400));
    const std::string space = below(2) == 0 ? "a" : "b";
    if (below(6) == 0) {
      world_.apply(set_country("country-" + std::to_string(world_.decisions()), "o",
                               kCountries[below(std::size(kCountries))],
                               below(2) == 0 ? space : ""));
    }
    if (below(12) == 0) {
      send("ChangeBillingMode", R"({"billing_mode":")" +
                                    std::string(below(2) == 0 ? "consolidated" : "per_space") +
                                    "\"}");
    }
    if (below(3) == 0) {
      change_plan(space, kPlans[below(std::size(kPlans))]);
    } else {
      use(space);
    }
    pay();
  }

  // What the rows say a change will come to, held against the engine's state. True if it costs.
  bool compare(const std::string& space, const std::string& plan) {
    do_due();
    const PlanPreview preview = preview_of(space, plan);
    const auto view = models_->view();
    const auto answer =
        get_plan_preview(context_of(*view, world_.now), taxed_catalog(), "o", space, plan);
    EXPECT_TRUE(answer) << answer.error().message;
    if (!answer) return false;
    EXPECT_THAT(*answer, HasSubstr(R"("net_minor":)" + std::to_string(preview.net)));
    EXPECT_THAT(*answer, HasSubstr(R"("tax_minor":)" + std::to_string(preview.tax)));
    EXPECT_THAT(*answer, HasSubstr(R"("total_minor":)" + std::to_string(preview.total())));
    EXPECT_THAT(*answer, HasSubstr(format_time(to_micros(preview.effective))));
    for (const ChargeLine& line : preview.lines) {
      EXPECT_THAT(*answer, HasSubstr(R"("description":")" + line.description + R"(","space":")" +
                                     space + R"(","quantity":)" + std::to_string(line.quantity) +
                                     R"(,"amount_minor":)" + std::to_string(line.amount)));
    }
    return !preview.lines.empty();
  }

  // Changes the plan, waits for the invoice, and holds it against the preview. False if the space
  // has no plan to change.
  bool invoice_follows(const std::string& space, const std::string& plan) {
    do_due();
    const Subscription& held = space_of(space).subscription;
    if (held.status != SubscriptionStatus::kActive || held.terms.name() == plan) return false;
    const PlanPreview preview = preview_of(space, plan);
    const size_t before = world_.machine().history().size();
    if (!change_plan(space, plan)) return false;
    world_.now = preview.period_to + std::chrono::days(32);
    do_due();
    pay();
    std::vector<std::string> foreseen;
    for (const ChargeLine& line : preview.lines) {
      foreseen.push_back(line_text(line.description, line.quantity, line.amount, line.from));
    }
    std::vector<std::string> billed;
    for (const schema::InvoiceIssued* invoice : invoices_since(before)) {
      const std::vector<std::string> lines = lines_of(*invoice, space);
      billed.insert(billed.end(), lines.begin(), lines.end());
      if (lines != foreseen || lines.size() != invoice->lines()->size()) continue;
      EXPECT_EQ(invoice->tax_minor(), preview.tax);
      EXPECT_EQ(invoice->total_minor(), preview.total());
      taxed_ += preview.tax > 0;
    }
    for (const std::string& line : foreseen) EXPECT_THAT(billed, ::testing::Contains(line));
    return true;
  }

  // How many invoices said what was foreseen and nothing else, with a tax.
  int taxed() const { return taxed_; }

  // What the rows of a space say of money is what the engine's state says.
  void expect_rows_are_state(const std::string& space) {
    const auto view = models_->view();
    Row row;
    ASSERT_TRUE(view->get(Family::kBilling, Keys("o").subscription(space), row).value());
    Space held;
    ASSERT_TRUE(read_subscription(row.as<schema::SubscriptionRow>(), held));
    const Space& state = space_of(space);
    EXPECT_EQ(held.subscription, state.subscription);
    EXPECT_EQ(held.stretches, state.stretches);
    EXPECT_EQ(held.periods, state.periods);
    for (const auto& [key, counter] : state.counters) {
      if (counter.ranges.empty()) continue;
      ASSERT_TRUE(
          view->get(Family::kUsage, Keys("o").meter(space, key.first, key.second), row).value());
      EXPECT_EQ(counter_in(row.as<schema::MeterRow>()).ranges, counter.ranges);
    }
  }

  void expect_rebuilt_is_live() {
    catch_up(*models_);
    EXPECT_EQ(difference_to_rebuilt(world_, *models_->view()), "");
  }

 private:
  int64_t below(int64_t end) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(end));
  }

  std::string send(const std::string& type, const std::string& command) {
    return world_.send(
        "o", type == "RecordUsage" || type.ends_with("Payment") ? "service:admin" : "user:ada",
        type, command);
  }

  const Space& space_of(const std::string& space) const {
    return world_.machine().find("o")->spaces.find(space)->second;
  }

  // A command that changes nothing brings what is due.
  void do_due() {
    send("RenameSpace", R"({"space":"a","name":"S"})");
    catch_up(*models_);
  }

  PlanPreview preview_of(const std::string& space, const std::string& plan) const {
    return preview_change(*world_.machine().find("o"), space, space_of(space),
                          *taxed_catalog().find(plan), world_.now, taxed_catalog());
  }

  // Whoever does not pay may change nothing after a while.
  void pay() {
    std::vector<std::pair<std::string, Minor>> open;
    for (const auto& [id, invoice] : world_.machine().find("o")->invoices) {
      if (invoice.left() > 0) open.emplace_back(id.str(), invoice.left());
    }
    for (const auto& [id, left] : open) {
      send("RecordPayment", R"({"reference":"r","invoice":")" + id + R"(","amount_minor":)" +
                                std::to_string(left) + "}");
    }
  }

  void use(const std::string& space) {
    constexpr int64_t kMost[] = {1'000, 60'000, 900'000, 3'000'000, 25'000'000};
    std::string entry = R"({"source":"g","id":"u)" + std::to_string(++used_) +
                        R"(","meter":"api_requests","quantity":)" +
                        std::to_string(below(kMost[below(std::size(kMost))]));
    if (below(2) == 0) {
      const Time at = world_.now - std::chrono::seconds(below(60 * 86'400));
      entry += R"(,"time":")" + format_time(to_micros(at)) + "\"";
    }
    send("RecordUsage", R"({"space":")" + space + R"(","entries":[)" + entry + "}]}");
  }

  std::vector<const schema::InvoiceIssued*> invoices_since(size_t decision) const {
    std::vector<const schema::InvoiceIssued*> invoices;
    const auto& history = world_.machine().history();
    for (size_t i = decision; i < history.size(); ++i) {
      const schema::Decision& decided = decision_of(history[i]);
      if (decided.events() == nullptr) continue;
      for (const schema::EventBox* box : *decided.events()) {
        if (const auto* issued = box->event_as_InvoiceIssued()) invoices.push_back(issued);
      }
    }
    return invoices;
  }

  static std::vector<std::string> lines_of(const schema::InvoiceIssued& invoice,
                                           const std::string& space) {
    std::vector<std::string> lines;
    for (const schema::InvoiceLine* line : *invoice.lines()) {
      if (line->space()->string_view() != space) continue;
      lines.push_back(line_text(line->description()->string_view(), line->quantity(),
                                line->amount_minor(), from_micros(line->from())));
    }
    return lines;
  }

  std::mt19937_64 random_;
  TemporaryDirectory directory_;
  World world_{"test", taxed_catalog()};
  std::unique_ptr<ReadModels> models_;
  int used_ = 0, taxed_ = 0;
};

TEST(PlanPreview, OfTheRowsIsTheEnginesAndTheInvoiceSaysTheSame) {
  int charged = 0, invoiced = 0, taxed = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Shop shop(seed);
    for (int round = 0; round < 40; ++round) {
      shop.step();
      const char* plan = kPlans[round % std::size(kPlans)];
      for (const char* space : {"a", "b"}) charged += shop.compare(space, plan);
      for (const char* space : {"a", "b"}) shop.expect_rows_are_state(space);
      if (round % 8 == 7) invoiced += shop.invoice_follows("b", kPlans[1 + seed % 5]);
    }
    shop.expect_rebuilt_is_live();
    taxed += shop.taxed();
    if (testing::Test::HasFailure()) break;
  }
  EXPECT_GT(charged, 300) << "the histories say something";
  EXPECT_GT(invoiced, 20);
  EXPECT_GT(taxed, 5);
}

// A plan that is left in the second in which it was taken.
TEST(BillingRows, SettleWhatCostNothing) {
  Shop shop(3);  // one invoice for the organization
  shop.change_plan("a", "basic");
  shop.change_plan("a", "basic-yearly");
  shop.wait(std::chrono::days(1));
  EXPECT_FALSE(shop.all_settled("a"));
  shop.expect_rows_are_state("a");
  shop.wait(std::chrono::days(40));
  EXPECT_TRUE(shop.all_settled("a"));
  shop.expect_rows_are_state("a");
}

}  // namespace
}  // namespace tenure::test
