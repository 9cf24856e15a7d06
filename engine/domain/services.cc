#include "engine/domain/services.h"

namespace tenure {

const ServiceGrant* Service::find(std::string_view org, std::string_view space) const {
  const auto found = grants.find(GrantPlace{std::string(org), std::string(space)});
  return found == grants.end() ? nullptr : &found->second;
}

bool Service::touches(std::string_view org) const {
  if (find({}, {}) != nullptr) return true;
  const auto first = grants.lower_bound(GrantPlace{std::string(org), {}});
  return first != grants.end() && first->first.org == org;
}

bool Service::acts_for_users(std::string_view org) const {
  for (const std::string_view place : {std::string_view{}, org}) {
    const ServiceGrant* grant = find(place, {});
    if (grant != nullptr && grant->act_for_users) return true;
  }
  return false;
}

const Service* find_service(const Services* services, std::string_view service) {
  if (services == nullptr) return nullptr;
  const auto found = services->granted.find(service);
  return found == services->granted.end() ? nullptr : &found->second;
}

}  // namespace tenure
