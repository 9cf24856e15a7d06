#include "consumers/payments/stripe_requests.h"

#include <simdjson.h>

#include <algorithm>
#include <cctype>

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

using simdjson::dom::element;

// Stripe opens no page for less.
constexpr std::chrono::minutes kShortestCheckout{31};

std::string_view text_at(const element& object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

int64_t number_at(const element& object, std::string_view name) {
  int64_t number = 0;
  return object[name].get(number) == simdjson::SUCCESS ? number : 0;
}

// application/x-www-form-urlencoded.
class Form {
 public:
  Form& add(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += '&';
    encode(name);
    text_ += '=';
    encode(value);
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  void encode(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (const char byte : text) {
      const auto c = static_cast<unsigned char>(byte);
      if (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.') {
        text_ += byte;
      } else {
        text_ += {'%', kDigits[c >> 4], kDigits[c & 15]};
      }
    }
  }
  std::string text_;
};

std::string lower(std::string_view currency) {
  std::string text(currency);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Both kinds of checkout.
Form session(const StripeRequest& request, std::string_view space, const CheckoutPages& pages) {
  Form form;
  form.add("client_reference_id", request.checkout);
  form.add("metadata[org]", request.org).add("metadata[space]", space);
  form.add("metadata[checkout]", request.checkout);
  form.add("success_url", pages.success_url).add("cancel_url", pages.cancel_url);
  form.add("customer_creation", "always");
  const auto expires = std::chrono::floor<std::chrono::seconds>(request.expires);
  form.add("expires_at", std::to_string(expires.time_since_epoch().count()));
  return form;
}

Result<Time> time_at(const element& event, std::string_view name) {
  return from_micros(TRY(parse_time(text_at(event, name))));
}

// Fees are in arrears: the page takes a payment method and collects nothing.
Result<void> for_plan(const element& event, const CheckoutPages& pages, StripeRequest& request) {
  request.checkout = text_at(event, "checkout");
  request.expires = TRY(time_at(event, "expires"));
  request.path = "/v1/checkout/sessions";
  request.form = session(request, text_at(event, "space"), pages)
                     .add("mode", "setup")
                     .add("payment_method_types[0]", "card")
                     .take();
  return {};
}

Result<void> for_credits(const element& event, const CheckoutPages& pages, StripeRequest& request) {
  const std::string_view currency = text_at(event, "currency");
  request.checkout = text_at(event, "checkout");
  request.expires = TRY(time_at(event, "checkout_expires"));
  request.path = "/v1/checkout/sessions";
  const bool taxed = event["total_minor"].error() == simdjson::SUCCESS;
  const int64_t amount =
      stripe_amount(number_at(event, taxed ? "total_minor" : "amount_minor"), currency);
  request.form = session(request, text_at(event, "space"), pages)
                     .add("mode", "payment")
                     .add("line_items[0][quantity]", "1")
                     .add("line_items[0][price_data][currency]", lower(currency))
                     .add("line_items[0][price_data][unit_amount]", std::to_string(amount))
                     .add("line_items[0][price_data][product_data][name]",
                          "Credits " + std::string(text_at(event, "grant")))
                     .take();
  return {};
}

void for_invoice(const element& event, StripeRequest& request) {
  const std::string_view currency = text_at(event, "currency"), token = text_at(event, "token");
  request.invoice = text_at(event, "invoice");
  request.amount_minor = number_at(event, "amount_minor");
  request.path = "/v1/payment_intents";
  Form form;
  form.add("amount", std::to_string(stripe_amount(request.amount_minor, currency)));
  form.add("currency", lower(currency));
  const size_t slash = token.find('/');
  if (slash != std::string_view::npos) form.add("customer", token.substr(0, slash));
  form.add("payment_method", slash == std::string_view::npos ? token : token.substr(slash + 1));
  form.add("payment_method_types[0]", "card");
  form.add("confirm", "true").add("off_session", "true");
  form.add("description", request.org + " " + request.invoice);
  form.add("metadata[org]", request.org).add("metadata[invoice]", request.invoice);
  request.form = form.take();
}

bool has_two_decimals_there(std::string_view currency) {
  return currency == "ISK" || currency == "UGX";
}

}  // namespace

Result<std::vector<StripeRequest>> stripe_requests(std::string_view decision,
                                                   const CheckoutPages& pages, Time now) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(decision.data(), decision.size()).get(root) != simdjson::SUCCESS) {
    return fail(ErrorKind::kInvalid, "the server sent no decision: " + std::string(decision));
  }
  std::vector<StripeRequest> requests;
  simdjson::dom::array events;
  if (root["events"].get(events) != simdjson::SUCCESS) return requests;
  size_t index = 0;
  for (const element box : events) {
    const std::string_view type = text_at(box, "event_type");
    const element event = box["event"];
    StripeRequest request;
    request.org = text_at(root, "org");
    request.source = std::string(text_at(root, "position")) + ":" + std::to_string(index++);
    request.idempotency_key = "tenure:" + request.org + ":" + request.source;
    if (type == "PlanChangeRequested") {
      TRY(for_plan(event, pages, request));
    } else if (type == "CreditsRequested") {
      TRY(for_credits(event, pages, request));
    } else if (type == "PaymentWanted") {
      for_invoice(event, request);
    } else {
      continue;
    }
    if (request.invoice.empty() && now + kShortestCheckout > request.expires) continue;
    requests.push_back(std::move(request));
  }
  return requests;
}

std::string payment_token(std::string_view customer, std::string_view method) {
  if (customer.empty()) return std::string(method);
  return std::string(customer) + "/" + std::string(method);
}

int64_t stripe_amount(int64_t minor, std::string_view currency) {
  return has_two_decimals_there(currency) ? minor * 100 : minor;
}

int64_t minor_of_stripe(int64_t amount, std::string_view currency) {
  return has_two_decimals_there(currency) ? amount / 100 : amount;
}

}  // namespace tenure
