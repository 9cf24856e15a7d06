#include <algorithm>

#include "engine/domain/evolve_events.h"

namespace tenure {
namespace {

// A copy to be changed: others may hold what is there.
std::shared_ptr<Services> changeable(const Organization& organization) {
  return organization.services == nullptr ? std::make_shared<Services>()
                                          : std::make_shared<Services>(*organization.services);
}

template <class Event>
GrantPlace place_of(const Event& event) {
  return {std::string(text(event.org())), std::string(text(event.space()))};
}

}  // namespace

void evolve(Organization& organization, const schema::ApiKeyCreated& event, const Happened&) {
  ApiKey key{.service = event.service()->str(), .hash = {}, .expires = {}, .revoked = false};
  CHECK(event.hash()->size() == key.hash.size());
  std::ranges::copy(*event.hash(), key.hash.begin());
  if (event.expires()) key.expires = from_micros(*event.expires());
  auto services = changeable(organization);
  services->keys.insert_or_assign(event.key()->str(), std::move(key));
  organization.services = std::move(services);
}

void evolve(Organization& organization, const schema::ApiKeyRevoked& event, const Happened&) {
  auto services = changeable(organization);
  const auto found = services->keys.find(text(event.key()));
  if (found == services->keys.end()) return;
  found->second.revoked = true;
  organization.services = std::move(services);
}

void evolve(Organization& organization, const schema::ServiceActionsGranted& event,
            const Happened&) {
  auto services = changeable(organization);
  ServiceGrant& grant = services->granted[event.service()->str()].grants[place_of(event)];
  for (const auto* action : *event.actions()) grant.actions.push_back(action->str());
  std::ranges::sort(grant.actions);
  const auto repeated = std::ranges::unique(grant.actions);
  grant.actions.erase(repeated.begin(), repeated.end());
  grant.act_for_users |= event.act_for_users();
  organization.services = std::move(services);
}

void evolve(Organization& organization, const schema::ServiceActionsRevoked& event,
            const Happened&) {
  auto services = changeable(organization);
  const auto service = services->granted.find(text(event.service()));
  if (service == services->granted.end()) return;
  const auto held = service->second.grants.find(place_of(event));
  if (held == service->second.grants.end()) return;
  ServiceGrant& grant = held->second;
  for (const auto* action : *event.actions()) std::erase(grant.actions, text(action));
  if (event.act_for_users()) grant.act_for_users = false;
  if (grant == ServiceGrant{}) service->second.grants.erase(held);
  if (service->second.grants.empty()) services->granted.erase(service);
  organization.services = std::move(services);
}

}  // namespace tenure
