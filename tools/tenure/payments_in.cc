#include "tools/tenure/payments_in.h"

#include <spdlog/spdlog.h>

#include "consumers/payments/stripe_events.h"
#include "consumers/payments/stripe_signature.h"
#include "engine/base/time.h"
#include "tools/tenure/payments_out.h"

namespace tenure {
namespace {

constexpr std::string_view kCheckouts = "/checkouts/";

Response later(std::string_view why) { return problem(503, "unavailable", why); }

}  // namespace

void PaymentsIn::operator()(const Request& request, Respond respond) {
  if (request.method == Method::kGet && request.path == "/healthz") {
    return respond({.body = R"({"status":"ok"})"});
  }
  if (request.method == Method::kGet && request.path.starts_with(kCheckouts)) {
    return respond(checkout(request.path.substr(kCheckouts.size())));
  }
  if (request.method != Method::kPost || request.path != "/webhook") {
    return respond(
        problem(404, "not_found", "there are POST /webhook and GET /checkouts/{org}/{checkout}"));
  }
  const auto shared = std::make_shared<Respond>(std::move(respond));
  const bool accepted = work_.submit([this, request, shared] { (*shared)(webhook(request)); },
                                     [shared] { (*shared)(later("stopping; send it again")); });
  if (!accepted) (*shared)(later("too much is waiting; send it again"));
}

Response PaymentsIn::checkout(std::string_view path) const {
  const size_t slash = path.find('/');
  const auto org = percent_decode(path.substr(0, slash), false);
  const auto id =
      percent_decode(slash == std::string_view::npos ? "" : path.substr(slash + 1), false);
  const std::string page = org && id ? state_.page(*org, *id) : std::string();
  if (page.empty()) {
    return problem(404, "not_found",
                   "no page is open for this checkout; it was paid, it expired, "
                   "or it was not asked for yet");
  }
  return {.status = 303, .body = "{}", .headers = {{"Location", page}}};
}

Response PaymentsIn::webhook(const Request& request) {
  const Time now = SystemClock().now();
  if (auto fits = verify_stripe_signature(request.stripe_signature, request.body, secret_, now);
      !fits) {
    spdlog::warn("event=webhook_refused why=\"{}\"", fits.error().message);
    return problem(400, "malformed", fits.error().message);
  }
  const Result<void> told = tell(request.body);
  if (told) return {.body = R"({"received":true})"};
  spdlog::error("event=webhook_failed why=\"{}\"", told.error().message);
  return later(told.error().message);
}

Result<void> PaymentsIn::tell(std::string_view body) {
  const StripeEvent event = TRY(read_stripe_event(body));
  if (!event.setup_intent.empty()) {
    const StripeAnswer answer = TRY(stripe_.get("/v1/setup_intents/" + event.setup_intent));
    if (!answer.is_done()) return fail(ErrorKind::kUnavailable, stripe_error(answer));
    TRY(submit_payment_command(server_, TRY(set_payment_method(event, answer.body))));
  }
  for (const StripeCommand& command : event.commands) {
    TRY(submit_payment_command(server_, command));
  }
  return {};
}

}  // namespace tenure
