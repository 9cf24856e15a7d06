#include "tools/tenure/payments_out.h"

#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

namespace tenure {
namespace {

// Of a command that tells of a payment: it was told before, or there is nothing left to tell.
constexpr std::array<std::string_view, 3> kSettled = {"not_found", "nothing_to_do",
                                                      "already_exists"};

std::string_view text_at(const simdjson::dom::element& root, std::string_view pointer) {
  std::string_view text;
  return root.at_pointer(pointer).get(text) == simdjson::SUCCESS ? text : std::string_view();
}

std::unexpected<Error> refused_by_server(const HttpAnswer& answer, std::string_view code,
                                         std::string_view detail) {
  const bool later = answer.status >= 500 || answer.status == 429;
  return fail(later ? ErrorKind::kUnavailable : ErrorKind::kInvalid,
              "the server answers " + std::to_string(answer.status) + " " + std::string(code) +
                  ": " + std::string(detail));
}

std::unexpected<Error> refused_by_server(const HttpAnswer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(answer.body).get(root) != simdjson::SUCCESS) {
    return refused_by_server(answer, "", "no JSON");
  }
  return refused_by_server(answer, text_at(root, "/code"), text_at(root, "/detail"));
}

}  // namespace

Result<void> submit_payment_command(const ApiClient& server, const StripeCommand& command) {
  const HttpAnswer answer =
      TRY(server.post("/v1/commands", "application/json", command_json(command)));
  if (answer.status == 200) {
    spdlog::info("event=told org={} command={} id={}", command.org, command.type, command.id);
    return {};
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(answer.body).get(root) != simdjson::SUCCESS) return refused_by_server(answer);
  const std::string_view code = text_at(root, "/rejection/code");
  if (std::ranges::find(kSettled, code) != kSettled.end()) {
    spdlog::info("event=told org={} command={} id={} code={}", command.org, command.type,
                 command.id, code);
    return {};
  }
  if (code.empty()) return refused_by_server(answer);
  return refused_by_server(answer, code, text_at(root, "/rejection/message"));
}

Result<bool> PaymentsOut::step(Time now) {
  state_.forget_pages(now);
  bool read = false, there = true;
  for (PartitionId partition{0};; partition = {partition.value + 1}) {
    read |= TRY(read_partition(partition, now, there));
    if (!there) return read;
  }
}

// `there` becomes false behind the last partition.
Result<bool> PaymentsOut::read_partition(PartitionId partition, Time now, bool& there) {
  constexpr int kNoSuchPosition = 400;
  const std::string from = format_position({partition, state_.next(partition)});
  const HttpAnswer answer = TRY(server_.get("/v1/decisions?limit=100&from=" + from +
                                            "&event=" + std::string(kPaymentEvents)));
  there = partition.value == 0 || answer.status != kNoSuchPosition;
  if (!there) return false;
  if (answer.status != 200) return refused_by_server(answer);
  std::string_view rest = answer.body;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (parser.parse(line.data(), line.size()).get(root) != simdjson::SUCCESS) {
      return fail(ErrorKind::kInvalid, "the server sent no decision: " + std::string(line));
    }
    const auto position = parse_position(text_at(root, "/position"));
    if (!position) return fail(ErrorKind::kInvalid, "the server sent a decision without position");
    if (TRY(take(line, now))) TRY(state_.set_next(partition, position->number.next()));
  }
  const auto next = parse_position(answer.next);
  if (!next || next->number <= state_.next(partition)) return false;
  TRY(state_.set_next(partition, next->number));
  return true;
}

// True if it asked Stripe for something.
Result<bool> PaymentsOut::take(std::string_view decision, Time now) {
  const std::vector<StripeRequest> requests = TRY(stripe_requests(decision, pages_, now));
  for (const StripeRequest& request : requests) TRY(ask(request));
  return !requests.empty();
}

Result<void> PaymentsOut::ask(const StripeRequest& request) {
  const StripeAnswer answer = TRY(stripe_.post(request));
  if (answer.is_done()) {
    const std::string page = checkout_page(answer);
    if (!request.checkout.empty() && !page.empty()) {
      state_.add_page(request.org, request.checkout, request.expires, page);
    }
    spdlog::info("event=asked org={} checkout={} invoice={} key={}", request.org, request.checkout,
                 request.invoice, request.idempotency_key);
    return {};
  }
  if (answer.is_declined()) {
    spdlog::info("event=declined org={} invoice={}", request.org, request.invoice);
    return {};
  }
  if (answer.is_passing()) return fail(ErrorKind::kUnavailable, stripe_error(answer));
  if (answer.is_unauthorized()) {
    return fail(ErrorKind::kInvalid, stripe_error(answer) + "; check --secret-key-file");
  }
  spdlog::warn("event=refused_for_good org={} checkout={} invoice={} why=\"{}\"", request.org,
               request.checkout, request.invoice, stripe_error(answer));
  return submit_payment_command(server_, refused(request));
}

}  // namespace tenure
