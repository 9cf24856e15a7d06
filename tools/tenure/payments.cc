// `tenure payments serve`: payments by Stripe. A consumer of the decisions; it owns nothing.
#include <spdlog/spdlog.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "engine/base/time.h"
#include "tools/server/fetch_text.h"
#include "tools/server/http_server.h"
#include "tools/server/logging.h"
#include "tools/tenure/payments_in.h"
#include "tools/tenure/payments_out.h"
#include "tools/tenure/subcommand.h"

namespace tenure {
namespace {

struct Options {
  ServerOptions server;
  HttpOptions http{.port = 7401};
  std::string stripe_url = "https://api.stripe.com";
  std::string secret_key_file, webhook_secret_file, state = "tenure-payments";
  CheckoutPages pages;
  uint32_t poll_ms = 1000;
};

constexpr std::chrono::milliseconds kLongestWait{30'000};

// Without the line's end that editors put there.
Result<std::string> read_secret(const std::string& path) {
  std::string secret = TRY(fetch_text(path));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.empty()) return fail(ErrorKind::kInvalid, path + " is empty; it must hold the secret");
  return secret;
}

// Until it is asked to stop; what passes is tried again, ever more slowly.
Result<void> go_on(PaymentsOut& out, std::chrono::milliseconds poll, const sigset_t& signals) {
  std::chrono::milliseconds wait{0};
  for (;;) {
    const timespec pause{.tv_sec = wait.count() / 1000, .tv_nsec = wait.count() % 1000 * 1'000'000};
    if (sigtimedwait(&signals, nullptr, &pause) > 0) return {};
    const Result<bool> read = out.step(SystemClock().now());
    if (!read && read.error().kind != ErrorKind::kUnavailable) return std::unexpected(read.error());
    if (!read) spdlog::warn("event=waiting why=\"{}\"", read.error().message);
    if (read) {
      wait = *read ? std::chrono::milliseconds(0) : poll;
    } else {
      wait = std::min(std::max(wait * 2, poll), kLongestWait);
    }
  }
}

Result<void> serve(const Options& options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  TRY(check_url(options.stripe_url));
  const std::string secret_key = TRY(read_secret(options.secret_key_file));
  const ApiClient server(options.server);
  auto state =
      TRY(PaymentState::open(posix_file_system(), std::filesystem::absolute(options.state)));
  StripeClient to_ask(options.stripe_url, secret_key), to_look_up(options.stripe_url, secret_key);
  PaymentsIn in(server, to_look_up, *state, TRY(read_secret(options.webhook_secret_file)));
  PaymentsOut out(server, to_ask, *state, options.pages);
  auto http = TRY(HttpServer::start(options.http, std::ref(in)));
  std::printf("tenure payments is ready at http://%s:%u\n", options.http.address.c_str(),
              unsigned{http->port()});
  std::fflush(stdout);
  const Result<void> ended = go_on(out, std::chrono::milliseconds(options.poll_ms), signals);
  in.stop();
  http->stop(std::chrono::seconds(5));
  return ended;
}

int run(const Options& options) {
  start_logging("info");
  const Result<void> served = serve(options);
  return served ? kExitOk : report(served.error());
}

Subcommand::Run configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App& serving = *app.add_subcommand("serve", "Take payments by Stripe, until it is stopped");
  add_server_options(serving, options->server);
  serving.add_option("--stripe-url", options->stripe_url)->capture_default_str();
  serving.add_option("--secret-key-file", options->secret_key_file, "A file with Stripe's sk_...")
      ->required();
  serving
      .add_option("--webhook-secret-file", options->webhook_secret_file,
                  "A file with the whsec_... of the endpoint that Stripe sends events to")
      ->required();
  serving.add_option("--state", options->state, "A directory: how far it has read")
      ->capture_default_str();
  serving.add_option("--success-url", options->pages.success_url, "Where payers go when done")
      ->required();
  serving.add_option("--cancel-url", options->pages.cancel_url, "Where they go if they give up")
      ->required();
  serving.add_option("--listen", options->http.address, "The IP address to listen on")
      ->capture_default_str();
  serving.add_option("--port", options->http.port, "The port; 0: any free one")
      ->check(CLI::Range(0, 65'535))
      ->capture_default_str();
  serving.add_option("--poll-ms", options->poll_ms, "How often it asks for new decisions")
      ->check(CLI::Range(10, 60'000))
      ->capture_default_str();
  return [options] { return run(*options); };
}

const Subcommand kPayments("payments", "Take payments by a payment service", configure);

}  // namespace
}  // namespace tenure
