// Who belongs: the guards that stand before all others that look something up.
#include "engine/domain/guards.h"

namespace tenure {
namespace {

bool belongs(const Incoming& in) {
  if (in.organization == nullptr) return false;
  if (in.actor.kind == Actor::Kind::kService && !is_admin(in.actor)) {
    const Service* service = find_service(in.context.services, in.actor.id);
    return service != nullptr && service->touches(in.organization->id);
  }
  if (in.actor.kind != Actor::Kind::kUser) return true;
  return in.organization->members.contains(in.actor.id) ||
         in.organization->invitations_of.contains(in.actor.id) ||
         has_grants(*in.organization, in.actor.id);
}

ActionSet every_service_action() {
  ActionSet actions;
  for (size_t action = static_cast<size_t>(kFirstServiceAction); action < kActionCount; ++action) {
    actions.add(static_cast<Action>(action));
  }
  return actions;
}

std::unexpected<Rejection> does_not_belong() {
  return reject(RejectionCode::not_a_member,
                "you do not belong to an organization of this id; check the id, or ask to be added",
                "general law 1: only those who belong may act");
}

}  // namespace

// Outsiders see every organization as one that is not there: at version 0.
Verdict at_expected_version(const Incoming& in) {
  const auto expected = in.envelope.expected_version();
  if (!expected) return {};
  const uint64_t version = belongs(in) ? in.organization->version : 0;
  if (*expected == version) return {};
  return reject(RejectionCode::version_conflict,
                "expected version " + std::to_string(*expected) + ", but it is " +
                    std::to_string(version) + "; read it again and decide anew",
                "general law 6: expected_version");
}

Verdict is_not_suspended(const Caller& caller) {
  if (caller.member == nullptr || !caller.member->suspended) return {};
  return reject(RejectionCode::suspended,
                "you are suspended here and may do nothing; ask to be reinstated",
                rule_of(caller, "suspended members are denied everywhere"));
}

bool is_admin(const Actor& actor) {
  return actor.kind == Actor::Kind::kService && actor.id == kAdminService;
}

Caller caller_of(const Organization& organization, const Actor& actor, const Services* services) {
  Caller caller{organization, *organization.rulebook, actor, nullptr, {}};
  if (actor.kind == Actor::Kind::kUser) {
    const auto member = organization.members.find(actor.id);
    if (member != organization.members.end()) {
      caller.member = &member->second;
      caller.actions = caller.role().actions;
    }
  } else if (is_admin(actor)) {
    caller.actions = every_service_action();
  } else if (actor.kind == Actor::Kind::kService) {
    caller.service = find_service(services, actor.id);
    if (caller.service != nullptr) {
      caller.actions = service_actions(*caller.service, caller.rulebook, organization.id);
    }
  }
  return caller;
}

Verdict manages_services(const Incoming& in) {
  TRY(at_expected_version(in));
  if (is_admin(in.actor)) return {};
  if (!belongs(in)) return does_not_belong();
  return reject(RejectionCode::forbidden,
                "only service:admin manages services and their keys; ask who holds its key",
                "general law 5: services act by granted actions");
}

namespace {

// Guests and services come by other ways than the organization's own sign-in.
Verdict is_signed_in(const Incoming& in, const Caller& caller) {
  const std::optional<Sso>& sso = caller.organization.sso;
  if (!sso || !sso->enforced || caller.member == nullptr) return {};
  if (text(in.envelope.sign_in()) == sso->issuer) return {};
  return reject(RejectionCode::sso_required,
                "sign in by " + in_quotes(sso->issuer) + ", then send this again",
                rule_of(caller, "the organization enforces its own sign-in"));
}

Guarded<Caller> admit(const Incoming& in, bool to_deleted) {
  TRY(at_expected_version(in));
  if (!belongs(in) || in.organization->deleted.has_value() != to_deleted) {
    return does_not_belong();
  }
  const Caller caller = caller_of(*in.organization, in.actor, in.context.services);
  TRY(is_not_suspended(caller));
  TRY(is_signed_in(in, caller));
  return caller;
}

}  // namespace

Guarded<Caller> admit(const Incoming& in) { return admit(in, false); }
Guarded<Caller> admit_to_deleted(const Incoming& in) { return admit(in, true); }
Guarded<Caller> admit_to_any(const Incoming& in) {
  return admit(in, in.organization != nullptr && in.organization->deleted.has_value());
}

}  // namespace tenure
