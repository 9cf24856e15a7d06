// What the payment adapter asks and understands, without any network. The whole of it is asked in
// tests/server/payments_test.py.
#include <gmock/gmock.h>

#include "consumers/payments/payment_state.h"
#include "consumers/payments/stripe_events.h"
#include "consumers/payments/stripe_signature.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Time kNow = from_micros(1'790'000'000'000'000);
const CheckoutPages kPages{"https://a.example/ok?x=1", "https://a.example/no"};

std::string plan_requested(const std::string& expires) {
  return R"({"position":"2:41","org":"acme","events":[{"event_type":"PlanChangeRequested","event":{)"
         R"("space":"s","plan":"basic","checkout":"3-c","expires":")" +
         expires + R"("}}]})";
}

TEST(StripeRequests, OfADecisionAreTheSameHoweverOftenItIsRead) {
  const std::string decision = plan_requested("2026-09-22T14:00:00Z");
  const auto first = stripe_requests(decision, kPages, kNow).value();
  const auto again = stripe_requests(decision, kPages, kNow + std::chrono::hours(5)).value();
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].form, again[0].form);
  EXPECT_EQ(first[0].idempotency_key, again[0].idempotency_key);
  EXPECT_EQ(first[0].idempotency_key, "tenure:acme:2:41:0");
  EXPECT_THAT(first[0].form, HasSubstr("success_url=https%3A%2F%2Fa.example%2Fok%3Fx%3D1"));
}

TEST(StripeRequests, AreNotMadeForACheckoutThatIsAsGoodAsOver) {
  const std::string decision = plan_requested("2026-09-21T14:20:00Z");
  EXPECT_THAT(stripe_requests(decision, kPages, kNow).value(), IsEmpty());
}

TEST(StripeRequests, CollectCreditsWithTheirTax) {
  const auto form = [](const std::string& total) {
    const auto requests = stripe_requests(
        R"({"position":"2:41","org":"acme","events":[{"event_type":"CreditsRequested","event":{)"
        R"("space":"s","grant":"g","amount_minor":1000,"checkout":"3-c","currency":"EUR",)" +
            total + R"("checkout_expires":"2026-09-22T14:00:00Z"}}]})",
        kPages, kNow);
    return requests.value().at(0).form;
  };
  EXPECT_THAT(form(R"("total_minor":1193,)"), HasSubstr("unit_amount%5D=1193"));
  EXPECT_THAT(form(""), HasSubstr("unit_amount%5D=1000")) << "asked for before there was a tax";
}

TEST(StripeRequests, KeepTheCurrencysOwnAmount) {
  EXPECT_EQ(stripe_amount(500, "EUR"), 500);
  EXPECT_EQ(stripe_amount(500, "JPY"), 500);
  EXPECT_EQ(stripe_amount(500, "ISK"), 50'000);
  EXPECT_EQ(minor_of_stripe(50'000, "ISK"), 500);
}

// Made with another program: printf '1790000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac
// whsec_x
TEST(StripeSignature, IsTheOneThatOthersMake) {
  const std::string body = R"({"id":"evt_1"})";
  const std::string good =
      "t=1790000000,v1=51d46998d84fd98c8d2ae54a5d6b16cc40ad69f8eb84cb9632e252b697efff46";
  EXPECT_TRUE(verify_stripe_signature(good, body, "whsec_x", kNow));
  EXPECT_FALSE(verify_stripe_signature(good, body, "whsec_y", kNow));
  EXPECT_FALSE(verify_stripe_signature(good, body + " ", "whsec_x", kNow));
  EXPECT_TRUE(verify_stripe_signature(good, body, "whsec_x", kNow + kSignatureTolerance));
  const auto old = verify_stripe_signature(good, body, "whsec_x",
                                           kNow + kSignatureTolerance + std::chrono::seconds(1));
  ASSERT_FALSE(old);
  EXPECT_THAT(old.error().message, HasSubstr("clock"));
}

TEST(StripeEvents, OfOthersAreNoCommands) {
  const auto event = read_stripe_event(
      R"({"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{"object":)"
      R"({"id":"pi_1","amount_received":5,"currency":"eur","metadata":{}}}})");
  ASSERT_TRUE(event);
  EXPECT_THAT(event->commands, IsEmpty());
  EXPECT_FALSE(read_stripe_event(R"({"id":"cus_1","object":"customer"})"));
}

TEST(PaymentState, IsWhatItWasWhenItIsOpenedAgain) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/state";
  {
    auto state = PaymentState::open(posix_file_system(), path).value();
    state->add_page("acme", "3-c", kNow, "https://pay.example/1");
    ASSERT_TRUE(state->set_next(PartitionId{3}, Number{42}));
    EXPECT_FALSE(PaymentState::open(posix_file_system(), path)) << "it is one process's";
  }
  auto state = PaymentState::open(posix_file_system(), path).value();
  EXPECT_EQ(state->next(PartitionId{3}), Number{42});
  EXPECT_EQ(state->next(PartitionId{0}), Number{0});
  EXPECT_EQ(state->page("acme", "3-c"), "https://pay.example/1");
  state->forget_pages(kNow);
  EXPECT_EQ(state->page("acme", "3-c"), "");
}

}  // namespace
}  // namespace tenure::test
