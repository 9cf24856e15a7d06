#include "consumers/payments/stripe_events.h"

#include <simdjson.h>

#include <algorithm>
#include <cctype>

#include "engine/json/json_edge.h"

namespace tenure {
namespace {

using simdjson::dom::element;

std::string_view text_at(const element& object, std::string_view path) {
  std::string_view text;
  return object.at_pointer(path).get(text) == simdjson::SUCCESS ? text : std::string_view();
}

int64_t number_at(const element& object, std::string_view path) {
  int64_t number = 0;
  return object.at_pointer(path).get(number) == simdjson::SUCCESS ? number : 0;
}

std::string upper(std::string_view currency) {
  std::string text(currency);
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::string json_text(std::string_view text) {
  std::string json;
  append_json_string(text, json);
  return json;
}

std::string checkout_fields(std::string_view checkout) {
  return R"({"checkout":)" + json_text(checkout) + "}";
}

std::string payment_fields(std::string_view invoice, int64_t amount_minor,
                           std::string_view reference) {
  return R"({"invoice":)" + json_text(invoice) + R"(,"amount_minor":)" +
         std::to_string(amount_minor) + R"(,"reference":)" + json_text(reference) + "}";
}

// A Checkout session. One of mode `payment` is done when it is paid, which may be days later.
void of_session(std::string_view type, const element& session, StripeEvent& event) {
  const std::string_view checkout = text_at(session, "/metadata/checkout");
  event.org = text_at(session, "/metadata/org");
  event.space = text_at(session, "/metadata/space");
  if (checkout.empty() || event.org.empty()) return;
  const bool unpaid = text_at(session, "/payment_status") == "unpaid";
  const bool done = (type == "checkout.session.completed" && !unpaid) ||
                    type == "checkout.session.async_payment_succeeded";
  const bool failed =
      type == "checkout.session.expired" || type == "checkout.session.async_payment_failed";
  if (!done && !failed) return;
  if (done) event.setup_intent = text_at(session, "/setup_intent");
  event.commands.push_back({"stripe:" + event.id, event.org,
                            done ? "ConfirmPayment" : "FailPayment", checkout_fields(checkout)});
}

void of_intent(std::string_view type, const element& intent, StripeEvent& event) {
  const std::string_view invoice = text_at(intent, "/metadata/invoice");
  event.org = text_at(intent, "/metadata/org");
  if (invoice.empty() || event.org.empty()) return;
  const std::string currency = upper(text_at(intent, "/currency"));
  const std::string_view reference = text_at(intent, "/id");
  if (type == "payment_intent.succeeded") {
    const int64_t paid = minor_of_stripe(number_at(intent, "/amount_received"), currency);
    event.commands.push_back({"stripe:" + event.id, event.org, "RecordPayment",
                              payment_fields(invoice, paid, reference)});
  } else if (type == "payment_intent.payment_failed") {
    const int64_t wanted = minor_of_stripe(number_at(intent, "/amount"), currency);
    event.commands.push_back({"stripe:" + event.id, event.org, "FailInvoicePayment",
                              payment_fields(invoice, wanted, reference)});
  }
}

}  // namespace

Result<StripeEvent> read_stripe_event(std::string_view body) {
  simdjson::dom::parser parser;
  element root;
  StripeEvent event;
  if (parser.parse(body.data(), body.size()).get(root) == simdjson::SUCCESS) {
    event.id = text_at(root, "/id");
  }
  if (event.id.empty() || text_at(root, "/object") != "event") {
    return fail(ErrorKind::kInvalid, "the body must be an event of Stripe");
  }
  const std::string_view type = text_at(root, "/type");
  element object;
  if (root.at_pointer("/data/object").get(object) != simdjson::SUCCESS) return event;
  if (type.starts_with("checkout.session.")) of_session(type, object, event);
  if (type.starts_with("payment_intent.")) of_intent(type, object, event);
  return event;
}

Result<StripeCommand> set_payment_method(const StripeEvent& event, std::string_view setup_intent) {
  simdjson::dom::parser parser;
  element root;
  std::string_view method;
  if (parser.parse(setup_intent.data(), setup_intent.size()).get(root) == simdjson::SUCCESS) {
    method = text_at(root, "/payment_method");
  }
  if (method.empty()) {
    return fail(ErrorKind::kInvalid,
                "Stripe's setup intent " + event.setup_intent + " has no payment method");
  }
  const std::string token = payment_token(text_at(root, "/customer"), method);
  return StripeCommand{"stripe:" + event.id + ":method", event.org, "SetPaymentMethod",
                       R"({"space":)" + json_text(event.space) + R"(,"token":)" + json_text(token) +
                           R"(,"label":"card"})"};
}

StripeCommand refused(const StripeRequest& request) {
  const std::string id = "stripe:refused:" + request.source;
  if (request.invoice.empty()) {
    return {id, request.org, "FailPayment", checkout_fields(request.checkout)};
  }
  return {id, request.org, "FailInvoicePayment",
          payment_fields(request.invoice, request.amount_minor, id)};
}

std::string command_json(const StripeCommand& command) {
  return R"({"id":)" + json_text(command.id) + R"(,"org":)" + json_text(command.org) +
         R"(,"command_type":)" + json_text(command.type) + R"(,"command":)" + command.fields + "}";
}

}  // namespace tenure
