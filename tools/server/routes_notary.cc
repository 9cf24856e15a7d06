// Signed heads of the log's trees, and proofs from them (consumers/notary).
#include <charconv>

#include "projections/queries/answer_writer.h"
#include "tools/server/notary_host.h"
#include "tools/server/read_request.h"

namespace tenure {
namespace {

constexpr std::string_view kNote = "text/plain; charset=utf-8";

Result<const NotaryHost*> notaries(const Api& api, const ReadRequest& request) {
  if (!request.caller.audits_everything()) {
    return fail(ErrorKind::kNotFound,
                "nothing that you may see here; it takes audit.read, granted everywhere");
  }
  if (const NotaryHost* host = api.host.notaries()) return host;
  return fail(ErrorKind::kUnavailable,
              "this process signs nothing; it was started without a notary");
}

Result<uint64_t> number_of(std::string_view name, std::string_view text) {
  uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc{} && read.ptr == text.data() + text.size()) return number;
  return fail(ErrorKind::kInvalid, std::string(name) + " must be a number");
}

Result<const Notary*> notary_of(const Api& api, const ReadRequest& request, uint64_t partition) {
  const NotaryHost* host = TRY(notaries(api, request));
  if (partition >= api.host.partitions()) {
    return fail(ErrorKind::kNotFound, "the log has no partition " + std::to_string(partition));
  }
  const Notary* notary = host->of({static_cast<uint32_t>(partition)});
  if (notary != nullptr && notary->latest()) return notary;
  return fail(ErrorKind::kUnavailable, "nothing of partition " + std::to_string(partition) +
                                           " is signed yet; ask again in a minute");
}

Result<Response> overview(Api& api, const ReadRequest& request) {
  const NotaryHost* host = TRY(notaries(api, request));
  AnswerWriter out;
  out.begin_object().begin_array("checkpoints");
  for (PartitionId id{0}; id.value < api.host.partitions(); id = {id.value + 1}) {
    const Notary* notary = host->of(id);
    if (notary == nullptr) continue;
    out.begin_object();
    out.number("partition", id.value).text("origin", notary->origin());
    out.text("key", host->key_of(*notary).text());
    if (const auto head = notary->latest()) {
      out.number("size", head->checkpoint.size).text("root", to_base64(head->checkpoint.root));
      if (head->checkpoint.time) out.time("time", to_micros(*head->checkpoint.time));
    }
    out.end_object();
  }
  out.end_array().end_object();
  return Response{.body = out.take()};
}

Result<Response> checkpoints(Api& api, const ReadRequest& request) {
  const Notary* notary =
      TRY(notary_of(api, request, TRY(number_of("the partition", request.path[0]))));
  Response response{.content_type = kNote};
  const std::string_view from = request.parameter("from");
  if (from.empty()) {
    response.body = notary->latest()->note();
    return response;
  }
  const size_t limit = request.page.limit;
  auto heads = TRY(notary->heads_from(TRY(number_of("from", from)), limit + 1));
  if (heads.size() > limit) {
    response.headers.emplace_back(kNextHeader, std::to_string(heads.back().checkpoint.size));
    heads.pop_back();
  }
  for (const SignedHead& head : heads) response.body += head.note();
  return response;
}

void write_proof(AnswerWriter& out, const Proof& proof) {
  out.begin_array("proof");
  for (const Hash& hash : proof) out.text(to_base64(hash));
  out.end_array();
}

// The size that a proof is asked for; without one, that of the latest head.
Result<uint64_t> size_of(const ReadRequest& request, std::string_view name, const Notary& notary) {
  const std::string_view text = request.parameter(name);
  return text.empty() ? Result<uint64_t>(notary.signed_size()) : number_of(name, text);
}

// The head of just this size, if one was signed: what the proof is held against.
Result<void> write_head(AnswerWriter& out, std::string_view name, const Notary& notary,
                        uint64_t size) {
  const auto heads = TRY(notary.heads_from(size, 1));
  if (!heads.empty() && heads.front().checkpoint.size == size) {
    out.text(name, heads.front().note());
  } else {
    out.null(name);
  }
  return {};
}

Result<Response> inclusion(Api& api, const ReadRequest& request) {
  const auto position = parse_position(request.parameter("position"));
  if (!position) {
    return fail(ErrorKind::kInvalid, "position must be one of this log, such as 0:41");
  }
  const Notary* notary = TRY(notary_of(api, request, position->partition.value));
  const uint64_t size = TRY(size_of(request, "size", *notary));
  const auto proved = TRY(notary->prove_inclusion(position->number.value, size));
  AnswerWriter out;
  out.begin_object();
  out.text("position", format_position(*position)).number("size", size);
  out.text("leaf", to_base64(proved.leaf));
  write_proof(out, proved.proof);
  TRY(write_head(out, "checkpoint", *notary, size));
  out.end_object();
  return Response{.body = out.take()};
}

Result<Response> consistency(Api& api, const ReadRequest& request) {
  const uint64_t partition = TRY(number_of("partition", request.parameter("partition")));
  const Notary* notary = TRY(notary_of(api, request, partition));
  const uint64_t from = TRY(number_of("from", request.parameter("from")));
  const uint64_t to = TRY(size_of(request, "to", *notary));
  const Proof proof = TRY(notary->prove_consistency(from, to));
  AnswerWriter out;
  out.begin_object();
  out.number("partition", partition).number("from", from).number("to", to);
  write_proof(out, proof);
  TRY(write_head(out, "checkpoint_from", *notary, from));
  TRY(write_head(out, "checkpoint_to", *notary, to));
  out.end_object();
  return Response{.body = out.take()};
}

// They wait for no read models.
void of_the_log(const Api&, ReadRequest& request) { request.needs_rows = false; }

}  // namespace

void add_notary_routes(Router& router, Api& api) {
  add_read(router, api,
           {.pattern = "/v1/checkpoints",
            .summary = "The last signed head of each partition, and the key that it is signed with",
            .parameters = {},
            .response_types = {kJson},
            .read = overview,
            .prepare = of_the_log});
  add_read(router, api,
           {.pattern = "/v1/checkpoints/{partition}",
            .summary = "Signed heads of a partition as notes: the last, or all from a size on",
            .parameters = {"from", "limit"},
            .response_types = {kNote},
            .read = checkpoints,
            .prepare = of_the_log});
  add_read(router, api,
           {.pattern = "/v1/proofs/inclusion",
            .summary = "That a decision is covered by a head (RFC 9162)",
            .parameters = {"position", "size"},
            .response_types = {kJson},
            .read = inclusion,
            .prepare = of_the_log});
  add_read(router, api,
           {.pattern = "/v1/proofs/consistency",
            .summary = "That a head's history goes on in another's (RFC 9162)",
            .parameters = {"partition", "from", "to"},
            .response_types = {kJson},
            .read = consistency,
            .prepare = of_the_log});
}

}  // namespace tenure
