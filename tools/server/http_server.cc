#include "tools/server/http_server.h"

#include <strings.h>
#include <sys/resource.h>

#include <algorithm>
#include <asio.hpp>
#include <atomic>
#include <restinio/all.hpp>
#include <thread>

#include "engine/base/check.h"

namespace tenure {
namespace {

struct Traits : restinio::default_single_thread_traits_t {
  static constexpr bool use_connection_count_limiter = true;
};
using RestinioServer = restinio::http_server_t<Traits>;

constexpr auto kIdleConnection = std::chrono::seconds(75);
constexpr auto kSlowestAnswer = std::chrono::seconds(120);
// Wider than our own limits, so that the request arrives and we can say what is wrong with it.
constexpr size_t kRestinioMaxBody = 4 * kMaxBody;
constexpr size_t kRestinioMaxText = 64u << 10;

// RESTinio 0.6.16 reads on twice when this many answers are outstanding on one connection, and then
// closes it; so more than any client sends at once.
constexpr size_t kMostPipelined = 64;

// Descriptors that are not connections: segments, RocksDB's files.
constexpr size_t kOtherDescriptors = 2048;

// RESTinio stops accepting for good when descriptors run out, so there are always more of them than
// connections.
size_t raise_descriptor_limit(size_t wanted_connections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  size_t others = std::min<size_t>(kOtherDescriptors, limit.rlim_cur / 2);
  return std::clamp<size_t>(limit.rlim_cur - others, 1, wanted_connections);
}

Method method_of(const restinio::http_request_header_t& header) {
  if (header.method() == restinio::http_method_get()) return Method::kGet;
  if (header.method() == restinio::http_method_post()) return Method::kPost;
  return Method::kOther;
}

// The headers that the routes see.
struct KnownField {
  std::string_view name;
  std::string_view Request::* value;
};
constexpr KnownField kKnownFields[] = {
    {"Authorization", &Request::authorization},
    {"X-Api-Key", &Request::api_key},
    {"Content-Type", &Request::content_type},
    {"Idempotency-Key", &Request::idempotency_key},
    {"Accept", &Request::accept},
    {"Last-Event-ID", &Request::last_event_id},
    {"Stripe-Signature", &Request::stripe_signature},
};

// Of several of one name, the first counts.
void note_field(std::string_view name, std::string_view value, Request& request) {
  for (const KnownField& known : kKnownFields) {
    if (name.size() != known.name.size() ||
        ::strncasecmp(name.data(), known.name.data(), name.size()) != 0) {
      continue;
    }
    if ((request.*known.value).data() == nullptr) request.*known.value = value;
  }
}

Request to_request(const restinio::request_handle_t& handle) {
  const restinio::http_request_header_t& header = handle->header();
  std::string_view target = header.request_target();
  size_t question = std::min(target.find('?'), target.size());
  Request request{
      .method = method_of(header),
      .path = target.substr(0, question),
      .query = target.substr(std::min(question + 1, target.size())),
      .body = handle->body(),
      .owner = handle,
  };
  header.for_each_field([&](const restinio::http_header_field_t& each) {
    request.header_bytes += each.name().size() + each.value().size();
    note_field(each.name(), each.value(), request);
  });
  return request;
}

template <typename Builder>
void append_headers(Builder& builder, Response& response, bool close) {
  builder.append_header(restinio::http_field::content_type, std::string(response.content_type));
  builder.append_header("X-Content-Type-Options", "nosniff");
  for (auto& [name, value] : response.headers) {
    builder.append_header(std::string(name), std::move(value));
  }
  if (close) builder.connection_close();
}

restinio::http_status_line_t status_line(int status) {
  return {restinio::http_status_code_t{static_cast<uint16_t>(status)},
          std::string(reason_phrase(status))};
}

void send(const restinio::request_handle_t& handle, Response response, bool close) {
  auto builder = handle->create_response(status_line(response.status));
  append_headers(builder, response, close);
  if (handle->header().method() == restinio::http_method_head()) response.body.clear();
  builder.set_body(std::move(response.body)).done();
}

// A body in pieces: the next is asked for when the one before is written. Lives until the last
// piece is handed over or the client is gone. On the loop's thread, but where it says otherwise.
class PiecewiseBody : public std::enable_shared_from_this<PiecewiseBody> {
 public:
  // `ended` is called once, at the end. It holds a connection, so it ends on the loop's thread.
  static void begin(asio::io_context& io, const restinio::request_handle_t& handle,
                    Response response, std::function<void()> ended) {
    std::string first = std::move(response.body);
    std::shared_ptr<PiecewiseBody> body(
        new PiecewiseBody(io, handle, std::move(response), std::move(ended)),
        [&io](PiecewiseBody* last) {
          asio::dispatch(io, [owned = std::unique_ptr<PiecewiseBody>(last)] {});
        });
    body->write({.bytes = std::move(first)});
  }
  ~PiecewiseBody() { ended_(); }

 private:
  using Builder = restinio::response_builder_t<restinio::chunked_output_t>;

  PiecewiseBody(asio::io_context& io, const restinio::request_handle_t& handle, Response response,
                std::function<void()> ended)
      : io_(io),
        builder_(handle->create_response<restinio::chunked_output_t>(status_line(response.status))),
        more_(std::move(response.more)),
        ended_(std::move(ended)) {
    append_headers(builder_, response, true);
  }

  void write(Piece piece) {
    builder_.append_chunk(restinio::writable_item_t(std::move(piece.bytes)));
    if (piece.last) {
      builder_.done();
      return;
    }
    builder_.flush([self = shared_from_this()](const asio::error_code& error) {
      if (!error) self->ask();
    });
  }

  void ask() {
    more_([self = shared_from_this()](Piece piece) {  // on any thread
      asio::io_context& io = self->io_;
      asio::dispatch(io,
                     [self, piece = std::move(piece)]() mutable { self->write(std::move(piece)); });
    });
  }

  asio::io_context& io_;
  Builder builder_;
  const NextPiece more_;
  const std::function<void()> ended_;
};

// The kernel deals connections out without looking how many a thread has, so each may take more
// than its share of them.
size_t threads_share(const HttpOptions& options) {
  if (options.threads == 1) return options.max_connections;
  return std::min(options.max_connections, 2 * (options.max_connections / options.threads) + 64);
}

// Has the kernel share out what connects to the port among all that listen on it.
using SharePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// A thread with its own share of the connections.
struct Loop {
  asio::io_context io{1};
  std::unique_ptr<RestinioServer> server;
  std::thread thread;
};

}  // namespace

struct HttpServer::Impl {
  std::atomic<size_t> in_flight = 0;  // what a loop holds when it ends still counts there
  std::atomic<bool> stopping = false;
  RequestHandler handler;
  uint16_t port = 0;
  std::vector<std::unique_ptr<Loop>> loops;

  restinio::request_handling_status_t handle(size_t loop,
                                             const restinio::request_handle_t& handle) {
    in_flight.fetch_add(1, std::memory_order_relaxed);
    Request request = to_request(handle);
    request.loop = loop;
    // Answers come from any thread, but only the loop's may hold a connection last: ending one
    // changes what RESTinio counts without a lock.
    asio::io_context& io = loops[loop]->io;
    handler(request, [this, handle, &io](Response response) {
      asio::dispatch(io, [this, handle, &io, response = std::move(response)]() mutable {
        auto ended = [this] { in_flight.fetch_sub(1, std::memory_order_release); };
        if (response.more) {
          return PiecewiseBody::begin(io, handle, std::move(response), ended);
        }
        send(handle, std::move(response), stopping.load(std::memory_order_relaxed));
        ended();
      });
    });
    return restinio::request_accepted();
  }

  // The first loop takes the port for itself, so that it is an error if anybody has it, and shares
  // it once it listens: who came between is refused.
  void listen(const HttpOptions& options, size_t most_connections) {
    const size_t number = loops.size();
    Loop& loop = *loops.emplace_back(std::make_unique<Loop>());
    asio::ip::tcp::acceptor* bound = nullptr;  // RESTinio's
    restinio::server_settings_t<Traits> settings;
    settings.address(options.address)
        .port(number == 0 ? options.port : port)
        .read_next_http_message_timelimit(kIdleConnection)
        .handle_request_timeout(kSlowestAnswer)
        .write_http_response_timelimit(options.slowest_reader)
        .buffer_size(8192)
        .max_pipelined_requests(kMostPipelined)
        .concurrent_accepts_count(16)
        .max_parallel_connections(most_connections)
        .incoming_http_msg_limits(restinio::incoming_http_msg_limits_t{}
                                      .max_url_size(kRestinioMaxText)
                                      .max_field_name_size(kRestinioMaxText)
                                      .max_field_value_size(kRestinioMaxText)
                                      .max_field_count(128)
                                      .max_body_size(kRestinioMaxBody))
        .socket_options_setter(
            [](auto& options) { options.set_option(asio::ip::tcp::no_delay(true)); })
        .acceptor_options_setter([number](auto& options) {
          options.set_option(asio::ip::tcp::acceptor::reuse_address(true));
          if (number > 0) options.set_option(SharePort(true));
        })
        .acceptor_post_bind_hook([this, &bound](asio::ip::tcp::acceptor& acceptor) {
          port = acceptor.local_endpoint().port();
          bound = &acceptor;
        })
        .request_handler([this, number](const restinio::request_handle_t& request) {
          return handle(number, request);
        });
    loop.server = std::make_unique<RestinioServer>(restinio::external_io_context(loop.io),
                                                   std::move(settings));
    loop.server->open_sync();
    if (number == 0 && options.threads > 1) bound->set_option(SharePort(true));
  }
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() { stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpOptions& options,
                                                      RequestHandler handler) {
  CHECK(options.threads > 0);
  std::string where = options.address + ":" + std::to_string(options.port);
  asio::error_code invalid;
  asio::ip::make_address(options.address, invalid);
  if (invalid) {
    return fail(ErrorKind::kInvalid,
                "cannot listen on " + where + ": not an IP address; give one such as 127.0.0.1");
  }
  const size_t most = raise_descriptor_limit(threads_share(options) * options.threads);
  const size_t share = std::max<size_t>(1, most / options.threads);
  auto impl = std::make_unique<Impl>();
  impl->handler = std::move(handler);
  try {
    while (impl->loops.size() < options.threads) impl->listen(options, share);
  } catch (const std::system_error& error) {
    bool taken = error.code() == asio::error::address_in_use;
    return fail(taken ? ErrorKind::kConflict : ErrorKind::kIo,
                "cannot listen on " + where + ": " + error.code().message() +
                    (taken ? "; stop what uses that port or choose another with --port"
                           : "; give an address of this machine with --listen, and a port that "
                             "this user may have with --port"));
  }
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(impl)));
  try {
    for (auto& loop : server->impl_->loops) {
      loop->thread = std::thread([io = &loop->io] { io->run(); });
    }
  } catch (const std::system_error& error) {
    return fail(ErrorKind::kIo, "cannot start " + std::to_string(options.threads) +
                                    " threads for HTTP: " + error.code().message() +
                                    "; give fewer with --http-threads");
  }
  return server;
}

uint16_t HttpServer::port() const { return impl_->port; }

void HttpServer::post(size_t loop, std::function<void()> task) {
  asio::post(impl_->loops[loop]->io, std::move(task));
}

void HttpServer::stop(std::chrono::milliseconds grace) {
  if (!impl_->loops.front()->thread.joinable()) return;
  impl_->stopping = true;
  for (auto& loop : impl_->loops) {
    loop->server->close_async([] {}, [](const std::exception_ptr&) {});
  }
  auto deadline = std::chrono::steady_clock::now() + grace;
  while (impl_->in_flight.load(std::memory_order_acquire) > 0 &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (auto& loop : impl_->loops) {
    asio::io_context& io = loop->io;
    // The last answers are handed over; one more turn of the loop writes them.
    asio::post(io, [&io] { asio::post(io, [&io] { io.stop(); }); });
    if (loop->thread.joinable()) loop->thread.join();
    // RESTinio's connections refer to the server's connection counter, and idle ones live until the
    // loop is destroyed: which destroys them, then the tasks that never ran, and with this one the
    // server.
    asio::post(io, [server = std::move(loop->server)] {});
  }
}

}  // namespace tenure
