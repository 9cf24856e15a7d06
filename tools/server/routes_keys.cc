// GET /v1/services: which services there are, what each was granted, and their keys.
#include <map>

#include "projections/queries/answer_writer.h"
#include "tools/server/api.h"

namespace tenure {
namespace {

void write_grants(AnswerWriter& out, const Service& service) {
  for (const auto& [place, grant] : service.grants) {
    out.begin_object();
    if (!place.org.empty()) out.text("org", place.org);
    if (!place.space.empty()) out.text("space", place.space);
    out.begin_array("actions");
    for (const std::string& action : grant.actions) out.text(action);
    out.end_array().boolean("act_for_users", grant.act_for_users).end_object();
  }
}

using KeysOf = std::multimap<std::string_view, const std::pair<const std::string, ApiKey>*>;

void write_keys(AnswerWriter& out, const KeysOf& keys, std::string_view service) {
  const auto [begin, end] = keys.equal_range(service);
  for (auto key = begin; key != end; ++key) {
    const ApiKey& held = key->second->second;
    out.begin_object().text("key", key->second->first);
    if (held.expires) {
      out.time("expires", to_micros(*held.expires));
    } else {
      out.null("expires");
    }
    out.boolean("revoked", held.revoked).end_object();
  }
}

std::string all_services(const Services& services) {
  KeysOf keys;
  std::map<std::string_view, const Service*> all;
  for (const auto& key : services.keys) {
    keys.emplace(key.second.service, &key);
    all[key.second.service] = nullptr;
  }
  for (const auto& [id, service] : services.granted) all[id] = &service;
  AnswerWriter out;
  out.begin_object().begin_array("services");
  for (const auto& [id, service] : all) {
    out.begin_object().text("service", id).begin_array("grants");
    if (service != nullptr) write_grants(out, *service);
    out.end_array().begin_array("keys");
    write_keys(out, keys, id);
    out.end_array().end_object();
  }
  return out.end_array().end_object().take();
}

}  // namespace

void add_key_routes(Router& router, Api& api) {
  router.add({.method = Method::kGet,
              .pattern = "/v1/services",
              .summary = "The services: what each was granted where, and its keys",
              .access = Access::kAdmin,
              .parameters = {},
              .request_types = {},
              .response_types = {kJson},
              .handler = [&api](const Request&, const PathValues&, const QueryParameters&,
                                const Respond& respond) {
                const auto services = api.host.services();
                respond({.body = all_services(services == nullptr ? Services{} : *services)});
              }});
}

}  // namespace tenure
