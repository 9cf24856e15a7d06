#include "tools/server/principal.h"

#include <algorithm>

#include "engine/domain/rulebook.h"

namespace tenure {
namespace {

constexpr std::string_view kUser = "user:", kService = "service:";

}  // namespace

Principal Principal::admin(std::shared_ptr<const Services> services) {
  Principal admin = service(kAdminService, std::move(services));
  admin.kind_ = Kind::kAdmin;
  return admin;
}

Principal Principal::service(std::string_view id, std::shared_ptr<const Services> services) {
  Principal service;
  service.kind_ = Kind::kService;
  service.id_ = id;
  service.services_ = std::move(services);
  return service;
}

Principal Principal::person(std::string_view user, std::string_view issuer) {
  Principal person;
  person.kind_ = Kind::kPerson;
  person.id_ = user;
  person.sign_in_ = issuer;
  return person;
}

std::string Principal::actor() const {
  return std::string(kind_ == Kind::kPerson ? kUser : kService).append(id_);
}

const Service* Principal::granted() const {
  return kind_ == Kind::kService ? find_service(services_.get(), id_) : nullptr;
}

bool Principal::acts_for_users(std::string_view org) const {
  if (is_admin()) return true;
  const Service* service = granted();
  return service != nullptr && service->acts_for_users(org);
}

bool Principal::may_act_as(std::string_view actor, std::string_view org) const {
  if (kind_ == Kind::kNobody) return false;
  if (is_admin() || actor == this->actor()) return true;
  return actor.starts_with(kUser) && acts_for_users(org);
}

std::optional<Viewer> Principal::viewer(std::string_view as, std::string_view org) const {
  if (kind_ == Kind::kNobody) return std::nullopt;
  const std::string own = actor();
  if (as.empty()) as = own;
  if (as.starts_with(kService)) {
    if (as != own && !is_admin()) return std::nullopt;
    as.remove_prefix(kService.size());
    if (as == kAdminService) return Viewer{};
    return Viewer{.service = std::string(as), .services = services_};
  }
  if (as.starts_with(kUser)) as.remove_prefix(kUser.size());
  if (as.empty()) return std::nullopt;
  if (kind_ == Kind::kPerson) {
    if (as != id_) return std::nullopt;
    return Viewer{.user = id_, .sign_in = sign_in_};
  }
  if (!acts_for_users(org)) return std::nullopt;
  return Viewer{.user = std::string(as)};
}

bool Principal::audits_everything() const {
  if (is_admin()) return true;
  const ServiceGrant* everywhere = granted() == nullptr ? nullptr : granted()->find({}, {});
  return everywhere != nullptr &&
         std::ranges::binary_search(everywhere->actions, action_name(Action::kAuditRead));
}

}  // namespace tenure
