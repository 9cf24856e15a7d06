// Tax: what the catalog takes in the country of the billing details, in invoices, credit notes and
// top-ups.
#include <gmock/gmock.h>

#include "tests/domain/script.h"

namespace tenure {
namespace {

class TaxScript : public testing::Test {
 protected:
  void SetUp() override {
    make("CreateOrganization", R"({"name":"Acme","rulebook":"space"})");
    make("CreateSpace", R"({"space":"s","name":"S","plan":"free"})");
  }
  void make(const char* type, const std::string& command, const char* actor = "user:ada") {
    ASSERT_EQ(script.send(actor, type, command), "accepted")
        << type << command << script.last().rejection()->message()->str();
  }
  void subscribe() {
    make("UpgradePlan", R"({"space":"s","plan":"basic"})");
    confirm(script.space("s").subscription.pending->checkout);
  }
  void confirm(const CheckoutId& checkout) {
    make("ConfirmPayment", R"({"checkout":")" + checkout.str() + "\"}", "service:admin");
  }
  const schema::InvoiceIssued& next_invoice() {
    script.now = script.space("s").subscription.period_to + std::chrono::hours(2);
    make("RenameSpace",
         R"({"space":"s","name":"S)" + std::to_string(script.machine().history().size()) + "\"}");
    return *script.last_event<schema::InvoiceIssued>();
  }
  Script script{test_rulebooks(), taxed_catalog()};
};

TEST_F(TaxScript, IsOfTheCountryOfTheBillingDetails) {
  subscribe();
  ASSERT_EQ(script.send_country("CM"), "accepted");
  const schema::InvoiceIssued& first = next_invoice();
  EXPECT_EQ(first.net_minor(), 2000);
  EXPECT_EQ(first.tax_minor(), 385);
  EXPECT_EQ(first.total_minor(), 2385);
  EXPECT_EQ(first.country()->str(), "CM");
  ASSERT_EQ(script.send_country("CH", "s"), "accepted");
  EXPECT_EQ(next_invoice().tax_minor(), 162) << "a space's own details come first";
}

TEST_F(TaxScript, IsTakenBackByCreditNotesWithoutACentLeft) {
  subscribe();
  ASSERT_EQ(script.send_country("CM"), "accepted");
  ASSERT_EQ(next_invoice().total_minor(), 2385);
  std::vector<Minor> taxes;
  for (int third = 0; third < 3; ++third) {
    make("IssueCreditNote",
         R"({"invoice":"INV-000001","amount_minor":795,"description":"a third"})", "service:admin");
    taxes.push_back(script.last_event<schema::CreditNoteIssued>()->tax_minor());
  }
  EXPECT_THAT(taxes, testing::ElementsAre(128, 129, 128)) << "385 in all";
}

// The payer was shown an amount; what they paid is what the invoice says.
TEST_F(TaxScript, OfATopUpIsWhatItsCheckoutCollected) {
  ASSERT_EQ(script.send_country("CM"), "accepted");
  make("TopUpCredits", R"({"space":"s","grant":"g","amount_minor":1000})");
  EXPECT_EQ(script.last_event<schema::CreditsRequested>()->total_minor(), 1193);
  ASSERT_EQ(script.send_country("DE"), "accepted");
  confirm(script.space("s").top_ups.begin()->first);
  const auto* issued = script.last_event<schema::InvoiceIssued>();
  EXPECT_EQ(issued->total_minor(), 1193);
  EXPECT_EQ(issued->country()->str(), "CM");
  EXPECT_EQ(script.last_event<schema::InvoicePaid>()->amount_minor(), 1193);
  EXPECT_EQ(script.last_event<schema::CreditsAdded>()->amount_minor(), 1000);
}

}  // namespace
}  // namespace tenure
