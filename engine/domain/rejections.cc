#include "engine/domain/rejections.h"

namespace tenure {

int http_status(RejectionCode code) {
  switch (code) {
    case RejectionCode::malformed:
      return 400;
    case RejectionCode::payment_method_required:
    case RejectionCode::payment_pending:
    case RejectionCode::insufficient_credits:
    case RejectionCode::credits_not_transferable:
      return 402;
    case RejectionCode::forbidden:
    case RejectionCode::role_not_assignable:
    case RejectionCode::target_outranks_actor:
    case RejectionCode::escalation:
    case RejectionCode::inviter_lacks_authority:
    case RejectionCode::sso_required:
      return 403;
    case RejectionCode::not_a_member:
    case RejectionCode::not_found:
      return 404;
    case RejectionCode::already_member:
    case RejectionCode::already_exists:
    case RejectionCode::last_owner:
    case RejectionCode::role_in_use:
    case RejectionCode::nothing_to_do:
    case RejectionCode::version_conflict:
    case RejectionCode::idempotency_mismatch:
    case RejectionCode::space_archived:
    case RejectionCode::already_scheduled:
    case RejectionCode::confirmation_required:
    case RejectionCode::invitation_expired:
    case RejectionCode::suspended:
      return 409;
    case RejectionCode::invalid_id:
    case RejectionCode::invalid_value:
    case RejectionCode::invalid_rulebook:
    case RejectionCode::unknown_role:
    case RejectionCode::unknown_plan:
    case RejectionCode::unknown_action:
    case RejectionCode::unknown_type:
    case RejectionCode::unknown_meter:
      return 422;
    case RejectionCode::limit_exceeded:
      return 429;
  }
  return 500;  // a number that this build does not know, from a newer log
}

}  // namespace tenure
