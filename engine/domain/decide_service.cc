#include <algorithm>

#include "engine/domain/decide_commands.h"
#include "engine/domain/emit.h"

namespace tenure {
namespace {

constexpr size_t kMaxActionsNamed = 256;
constexpr std::string_view kManaged = "general law 5: services act by granted actions";

std::unexpected<Rejection> nothing_to_do(std::string message) {
  return reject(RejectionCode::nothing_to_do, std::move(message), std::string(kManaged));
}

std::unexpected<Rejection> not_found(std::string message) {
  return reject(RejectionCode::not_found, std::move(message), std::string(kManaged));
}

const Services& services_of(const Incoming& in) {
  static const Services kNone;
  const bool any = in.organization != nullptr && in.organization->services != nullptr;
  return any ? *in.organization->services : kNone;
}

// The first decision says in the log that the organization is there. Nobody is a member of it, so
// its rulebook says nothing.
Verdict found_if_new(const Incoming& in, EventSink& events) {
  if (in.organization != nullptr) return {};
  const auto rulebook = in.context.rulebooks.find("space");
  if (rulebook == nullptr) {
    return reject(RejectionCode::invalid_rulebook,
                  "the built-in rulebook space is missing; run a build that has it",
                  std::string(kManaged));
  }
  auto& builder = events.builder();
  const auto name = builder.CreateString("Tenure");
  const auto pinned = builder.CreateString(rulebook->pinned_name);
  const auto owner = builder.CreateString("service:" + std::string(kAdminService));
  const auto billing_mode = builder.CreateString("per_space");
  events.add(
      schema::CreateOrganizationCreated(builder, name, pinned, owner, billing_mode,
                                        builder.CreateString(in.context.catalog.currency())));
  return {};
}

Verdict made_by_an_ingress(const Incoming& in) {
  const auto* hash = in.envelope.key_hash();
  if (hash != nullptr && hash->size() == KeyHash{}.size()) return {};
  return reject(RejectionCode::malformed,
                "the secret of an API key is shown once, in the answer to a request over HTTP; "
                "send this to POST /v1/commands, or by tenure submit",
                "contract: CreateApiKey");
}

Verdict lies_ahead(const schema::CreateApiKey& command, Time now) {
  if (!command.expires() || from_micros(*command.expires()) > now) return {};
  return reject(RejectionCode::invalid_value,
                "expires lies in the past; name a time to come, or leave it out",
                "contract: CreateApiKey");
}

// What is granted or revoked makes sense, whoever asks.
template <class Command>
Verdict valid_grant(const Command& command) {
  TRY(valid_id("service", command.service()));
  if (command.org() != nullptr) TRY(valid_id("org of the grant", command.org()));
  if (command.space() != nullptr) TRY(valid_id("space", command.space()));
  const auto invalid = [](std::string message) {
    return reject(RejectionCode::invalid_value, std::move(message), "contract: grants to services");
  };
  if (text(command.service()) == kAdminService) {
    return invalid("service:admin holds every service action without a grant; name another");
  }
  if (command.space() != nullptr && command.org() == nullptr) {
    return invalid("a space is in an organization; name its org too");
  }
  if (command.act_for_users() && command.space() != nullptr) {
    return invalid("act_for_users holds in whole organizations; leave the space out");
  }
  TRY(valid_size("actions", command.actions()->size(), kMaxActionsNamed));
  if (command.actions()->size() > 0 || command.act_for_users()) return {};
  return invalid("actions is empty; name at least one, or act_for_users");
}

Verdict known_actions(const Texts& actions) {
  for (const auto* action : actions) {
    if (is_action_name(text(action))) continue;
    return reject(RejectionCode::unknown_action,
                  in_quotes(text(action)) +
                      " is no action; name one such as usage.record, or a resource's with its "
                      "type, such as resource.create:job",
                  "contract: actions");
  }
  return {};
}

// How many of the named actions (and act_for_users, if named) the grant holds already.
template <class Command>
size_t held_of(const Command& command, const ServiceGrant& grant) {
  size_t held = command.act_for_users() && grant.act_for_users;
  for (const auto* action : *command.actions()) {
    held += std::ranges::binary_search(grant.actions, text(action));
  }
  return held;
}

template <class Command>
const ServiceGrant* find_grant(const Incoming& in, const Command& command) {
  const Service* service = find_service(&services_of(in), text(command.service()));
  return service == nullptr ? nullptr : service->find(text(command.org()), text(command.space()));
}

}  // namespace

bool is_about_services(schema::Command type) {
  return type == schema::Command::CreateApiKey || type == schema::Command::RevokeApiKey ||
         type == schema::Command::GrantServiceActions ||
         type == schema::Command::RevokeServiceActions;
}

Verdict decide(const Incoming& in, const schema::CreateApiKey& command, EventSink& events) {
  TRY(made_by_an_ingress(in));
  TRY(valid_id("key", command.key()));
  TRY(valid_id("service", command.service()));
  TRY(lies_ahead(command, in.context.now));
  TRY(manages_services(in));
  if (services_of(in).keys.contains(text(command.key()))) {
    return reject(RejectionCode::already_exists,
                  "key " + in_quotes(text(command.key())) + " exists; choose another id",
                  "contract: ids are never reused");
  }

  TRY(found_if_new(in, events));
  auto& builder = events.builder();
  const auto key = builder.CreateString(command.key());
  const auto service = builder.CreateString(command.service());
  const auto hash =
      builder.CreateVector(in.envelope.key_hash()->data(), in.envelope.key_hash()->size());
  events.add(schema::CreateApiKeyCreated(builder, key, service, command.expires(), hash));
  return {};
}

Verdict decide(const Incoming& in, const schema::RevokeApiKey& command, EventSink& events) {
  TRY(valid_id("key", command.key()));
  TRY(manages_services(in));
  const auto found = services_of(in).keys.find(text(command.key()));
  if (found == services_of(in).keys.end()) {
    return not_found("there is no key " + in_quotes(text(command.key())) + "; check the id");
  }
  if (found->second.revoked) return nothing_to_do("the key is revoked already");

  auto& builder = events.builder();
  const auto key = builder.CreateString(command.key());
  events.add(
      schema::CreateApiKeyRevoked(builder, key, builder.CreateString(found->second.service)));
  return {};
}

Verdict decide(const Incoming& in, const schema::GrantServiceActions& command, EventSink& events) {
  TRY(valid_grant(command));
  TRY(manages_services(in));
  TRY(known_actions(*command.actions()));
  const ServiceGrant* held = find_grant(in, command);
  if (held != nullptr &&
      held_of(command, *held) == command.actions()->size() + command.act_for_users()) {
    return nothing_to_do("the service holds all of that there already");
  }

  TRY(found_if_new(in, events));
  auto& builder = events.builder();
  const auto service = builder.CreateString(command.service());
  const auto actions = copy_texts(builder, command.actions());
  const auto org = copy_text(builder, command.org());
  const auto space = copy_text(builder, command.space());
  events.add(schema::CreateServiceActionsGranted(builder, service, actions, org, space,
                                                 command.act_for_users()));
  return {};
}

Verdict decide(const Incoming& in, const schema::RevokeServiceActions& command, EventSink& events) {
  TRY(valid_grant(command));
  TRY(manages_services(in));
  TRY(known_actions(*command.actions()));
  const ServiceGrant* held = find_grant(in, command);
  if (held == nullptr) {
    return not_found(
        "nothing was granted to the service for just that place; see GET "
        "/v1/services for what was");
  }
  if (held_of(command, *held) == 0) return nothing_to_do("the service holds none of that there");

  auto& builder = events.builder();
  const auto service = builder.CreateString(command.service());
  const auto actions = copy_texts(builder, command.actions());
  const auto org = copy_text(builder, command.org());
  const auto space = copy_text(builder, command.space());
  events.add(schema::CreateServiceActionsRevoked(builder, service, actions, org, space,
                                                 command.act_for_users()));
  return {};
}

}  // namespace tenure
