// POST /v1/commands: one command, one decision; or NDJSON, a decision a line.
#include <chrono>

#include "engine/personal/seal_command.h"
#include "tools/server/answer_json.h"
#include "tools/server/api.h"
#include "tools/server/command_batch.h"
#include "tools/server/ingress.h"

namespace tenure {
namespace {

using Clock = std::chrono::steady_clock;

struct Answered {
  KeptAnswer answer;
  Respond respond;
  Clock::time_point started;
};

// Answers on their way from the engine thread to one of the HTTP server's: however many the engine
// gives at once, they cross as one task.
class AnswerQueue : public std::enable_shared_from_this<AnswerQueue> {
 public:
  AnswerQueue(Api& api, size_t loop) : api_(api), loop_(loop) {}

  void push(Answered answered) {
    {
      std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(answered));
      if (waiting_.size() > 1) return;
    }
    api_.post(loop_, [self = shared_from_this()] { self->drain(); });
  }

 private:
  void drain() {
    std::vector<Answered> batch;
    {
      std::lock_guard lock(mutex_);
      batch.swap(waiting_);
    }
    for (Answered& each : batch) {
      count(each);
      each.respond(to_response(each.answer, api_.host.unsealer()));
    }
  }

  void count(const Answered& each) {
    const schema::Decision* decision = each.answer.root();
    if (decision == nullptr) return api_.metrics.refused(each.answer.undecided().code);
    api_.answered.raise(each.answer.position);
    api_.metrics.decided(*decision);
    api_.metrics.answered_after(std::chrono::duration<double>(Clock::now() - each.started).count());
  }

  Api& api_;
  const size_t loop_;
  std::mutex mutex_;
  std::vector<Answered> waiting_;
};

void refuse(Api& api, const Undecided& undecided, const Respond& respond) {
  api.metrics.refused(undecided.code);
  respond(to_response(undecided));
}

void seal_and_submit(Api& api, const std::shared_ptr<AnswerQueue>& queue, IngressCommand command,
                     Clock::time_point started, Respond respond) {
  auto sealed = seal_for(api.host, std::move(command.command));
  if (!sealed) return refuse(api, sealed.error(), respond);
  api.host.submit(
      *std::move(sealed), [queue, respond = std::move(respond), started,
                           secret = std::move(command.secret)](const Answer& answer) mutable {
        queue->push({KeptAnswer(answer, std::move(secret)), std::move(respond), started});
      });
}

void submit_one(Api& api, const std::shared_ptr<AnswerQueue>& queue, const Principal& caller,
                Expected<CommandBytes, Undecided> parsed, Respond respond) {
  const auto started = Clock::now();
  if (!parsed) return refuse(api, parsed.error(), respond);
  auto command = vouched_by(caller, *std::move(parsed));
  if (!command) return refuse(api, command.error(), respond);
  if (!has_personal_text(command->command)) {
    return seal_and_submit(api, queue, *std::move(command), started, std::move(respond));
  }
  // Somebody's first sealed text waits for the disk, and this thread must not.
  auto shared = std::make_shared<IngressCommand>(*std::move(command));
  bool accepted = api.ingest.submit(
      [&api, queue, shared, started, respond] {
        seal_and_submit(api, queue, std::move(*shared), started, respond);
      },
      [&api, respond] {
        refuse(api, {503, "unavailable", "the server is stopping; retry with the same id"},
               respond);
      });
  if (!accepted) refuse(api, {503, "unavailable", "too much is waiting; try again soon"}, respond);
}

void post_commands(Api& api, const std::shared_ptr<AnswerQueue>& queue, const Request& request,
                   Respond respond) {
  std::string_view type = media_type(request.content_type);
  if (type == kNdjson) {
    return std::make_shared<CommandBatch>(api, request, std::move(respond))->start();
  }
  if (type == kFlatBuffers) {
    return submit_one(api, queue, request.caller, verify_binary_command(request.body),
                      std::move(respond));
  }
  if (type == kJson || type.empty()) {
    thread_local CommandParser parser;
    const std::string actor = request.caller.actor();
    auto command = parser.parse(request.body, {.id = request.idempotency_key, .actor = actor});
    return submit_one(api, queue, request.caller, std::move(command), std::move(respond));
  }
  respond(problem(415, "unsupported_media_type",
                  "send a command as application/json, many as application/x-ndjson, or a "
                  "FlatBuffer as application/octet-stream"));
}

}  // namespace

void add_command_routes(Router& router, Api& api) {
  std::vector<std::shared_ptr<AnswerQueue>> queues;  // one a loop
  queues.reserve(api.loops);
  for (size_t loop = 0; loop < api.loops; ++loop) {
    queues.push_back(std::make_shared<AnswerQueue>(api, loop));
  }
  router.add({.method = Method::kPost,
              .pattern = "/v1/commands",
              .summary = "Decide one command, or a command a line in the order sent",
              .access = Access::kKey,
              .parameters = {},
              .request_types = {kJson, kNdjson, kFlatBuffers},
              .response_types = {kJson, kNdjson},
              .handler = [&api, queues](const Request& request, const PathValues&,
                                        const QueryParameters&, Respond respond) {
                post_commands(api, queues[request.loop], request, std::move(respond));
              }});
}

}  // namespace tenure
