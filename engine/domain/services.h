// Service actors: the API keys that they come with, and what each was granted where.
//
// The state of the organization `_tenure`, where all of it is decided; and, shared as it is, what
// all other organizations decide by. Immutable once made: evolve puts a changed copy in its place,
// so any thread may hold one. A change copies all of it: about a millisecond with thousands of
// grants.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"

namespace tenure {

// Always exists: the first decision in it founds it.
inline constexpr std::string_view kServicesOrganization = "_tenure";
// Holds every service action, everywhere, without a grant.
inline constexpr std::string_view kAdminService = "admin";

using KeyHash = std::array<uint8_t, 32>;  // SHA-256 of a whole key

struct ApiKey {
  std::string service;  // bare
  KeyHash hash{};
  std::optional<Time> expires;
  bool revoked = false;  // kept: ids are never reused
  friend bool operator==(const ApiKey&, const ApiKey&) = default;
};

// One space; one organization (no space); all organizations (neither).
struct GrantPlace {
  std::string org, space;
  friend auto operator<=>(const GrantPlace&, const GrantPlace&) = default;
};

struct ServiceGrant {
  std::vector<std::string> actions;  // sorted; their types are those of whatever rulebook it meets
  bool act_for_users = false;        // may name users as actors of what it sends
  friend bool operator==(const ServiceGrant&, const ServiceGrant&) = default;
};

struct Service {
  std::map<GrantPlace, ServiceGrant> grants;  // none of them empty

  // Null if nothing was granted for just this place.
  const ServiceGrant* find(std::string_view org, std::string_view space) const;
  // True if anything was granted in the organization, or everywhere.
  bool touches(std::string_view org) const;
  // `org` empty: in all organizations.
  bool acts_for_users(std::string_view org) const;
  friend bool operator==(const Service&, const Service&) = default;
};

struct Services {
  std::map<std::string, Service, std::less<>> granted;  // by bare id; those that hold something
  std::map<std::string, ApiKey, std::less<>> keys;      // by id

  friend bool operator==(const Services&, const Services&) = default;
};

// Null if `services` is, or if nothing was granted to the service.
const Service* find_service(const Services* services, std::string_view service);

}  // namespace tenure
