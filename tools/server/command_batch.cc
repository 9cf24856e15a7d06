#include "tools/server/command_batch.h"

#include <algorithm>
#include <optional>

namespace tenure {
namespace {

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::string_view next_line(std::string_view& text) {
  size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

void CommandBatch::schedule() {
  const auto stopping = [self = shared_from_this()] {
    self->respond_(problem(503, "unavailable", "the server is stopping; send all lines again"));
  };
  if (!api_.ingest.submit([self = shared_from_this()] { self->feed(); }, stopping)) stopping();
}

// Goes on until everything is parsed or enough is in flight; then the answers wake it again.
void CommandBatch::feed() {
  while (feed_piece()) {
    std::lock_guard lock(mutex_);
    if (in_flight_ < kMostInFlight) continue;
    feeding_ = false;
    return;
  }
  bool done = false;
  {
    std::lock_guard lock(mutex_);
    fed_ = true;
    done = in_flight_ == 0;
  }
  if (done) finish();
}

Expected<IngressCommand, Undecided> CommandBatch::read(std::string_view line) {
  if (api_.ingest.stopping().stop_requested()) {
    return std::unexpected(
        Undecided{503, "unavailable", "the server is stopping; retry with the same id"});
  }
  thread_local CommandParser parser;
  auto parsed = parser.parse(line, {.id = {}, .actor = actor_});
  if (!parsed) return std::unexpected(std::move(parsed).error());
  auto command = vouched_by(request_.caller, *std::move(parsed));
  if (!command) return command;
  auto sealed = seal_for(api_.host, std::move(command->command));
  if (!sealed) return std::unexpected(std::move(sealed).error());
  return IngressCommand{*std::move(sealed), std::move(command->secret)};
}

// Parses and submits some lines; false once there are none left.
bool CommandBatch::feed_piece() {
  std::vector<EngineHost::Submission> piece;
  std::vector<Line> parsed;
  const auto started = Clock::now();
  size_t first = lines_.size();  // only feed_piece adds to lines_
  while (!rest_.empty() && parsed.size() < kPiece) {
    std::string_view line = next_line(rest_);
    if (is_blank(line)) continue;
    auto command = read(line);
    if (!command) {
      parsed.emplace_back(std::move(command).error());
      continue;
    }
    size_t index = first + parsed.size();
    parsed.emplace_back();
    piece.push_back(
        {std::move(command->command), [self = shared_from_this(), index, started,
                                       secret = std::move(command->secret)](const Answer& answer) {
           self->on_answer(index, {KeptAnswer(answer, secret), Clock::now() - started});
         }});
  }
  if (parsed.empty()) return false;
  {
    std::lock_guard lock(mutex_);
    in_flight_ += piece.size();
    for (Line& line : parsed) lines_.push_back(std::move(line));
  }
  if (!piece.empty()) api_.host.submit(piece);
  return true;
}

void CommandBatch::on_answer(size_t index, Answered answered) {
  bool feed_more = false, done = false;
  {
    std::lock_guard lock(mutex_);
    lines_[index] = std::move(answered);
    --in_flight_;
    feed_more = !feeding_ && !fed_ && in_flight_ < kMostInFlight / 2;
    if (feed_more) feeding_ = true;
    done = fed_ && in_flight_ == 0;
  }
  if (feed_more) schedule();
  if (done) {
    // Rendering is not the engine thread's work.
    bool accepted = api_.ingest.submit([self = shared_from_this()] { self->finish(); });
    if (!accepted) finish();
  }
}

void CommandBatch::count(const Answered& answered) {
  const auto* decision = answered.answer.root();
  if (decision == nullptr) return api_.metrics.refused(answered.answer.undecided().code);
  api_.metrics.decided(*decision);
  api_.metrics.answered_after(std::chrono::duration<double>(answered.took).count());
}

void CommandBatch::finish() {
  Response response{.content_type = kNdjson};
  std::optional<Position> last;
  for (size_t i = 0; i < lines_.size(); ++i) {
    if (const auto* answered = std::get_if<Answered>(&lines_[i])) {
      const KeptAnswer& answer = answered->answer;
      append_line(answer, i + 1, api_.host.unsealer(), response.body);
      count(*answered);
      if (answer.root() != nullptr)
        last = std::max(last.value_or(answer.position), answer.position);
    } else {
      const auto& undecided = std::get<Undecided>(lines_[i]);
      api_.metrics.refused(undecided.code);
      append_line(undecided, i + 1, response.body);
    }
  }
  if (last) {
    api_.answered.raise(*last);
    response.headers.emplace_back(kPositionHeader, format_position(*last));
  }
  respond_(std::move(response));
}

}  // namespace tenure
