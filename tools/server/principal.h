// Who made a request, as whom they may send commands, and on whose behalf they may read.
//
//   service:admin    as anybody; sees everything
//   a service        as itself, by what it was granted; as users where it may act for them
//   a person         as themselves
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/domain/services.h"
#include "projections/queries/queries.h"

namespace tenure {

// A value; nobody, unless it was made as somebody.
class Principal {
 public:
  Principal() = default;
  // `services`: what services were granted when the request came, or null. `id`: bare.
  static Principal admin(std::shared_ptr<const Services> services);
  static Principal service(std::string_view id, std::shared_ptr<const Services> services);
  // `issuer`: who vouched for the person.
  static Principal person(std::string_view user, std::string_view issuer);

  bool is_admin() const { return kind_ == Kind::kAdmin; }
  // As commands name them: "service:x", "user:y".
  std::string actor() const;
  // Of a person who signed in, else empty.
  const std::string& sign_in() const { return sign_in_; }

  // Whether they may send a command as `actor` to the organization.
  bool may_act_as(std::string_view actor, std::string_view org) const;
  // On whose behalf a read is made. `as`: "user:x", "service:y", "x" for a user, or empty for
  // themselves; `org`: the organization that it is about, or empty for several. Nothing: they may
  // not read as that.
  std::optional<Viewer> viewer(std::string_view as, std::string_view org) const;
  // Whether they may read every decision of every organization.
  bool audits_everything() const;

 private:
  enum class Kind : uint8_t { kNobody, kAdmin, kService, kPerson };
  const Service* granted() const;  // to a service; null: nothing
  bool acts_for_users(std::string_view org) const;

  Kind kind_ = Kind::kNobody;
  std::string id_, sign_in_;
  std::shared_ptr<const Services> services_;
};

}  // namespace tenure
