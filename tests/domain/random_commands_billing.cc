#include <algorithm>

#include "tests/domain/random_commands_maker.h"

namespace tenure {

// A box that nobody opens: the domain never does.
flatbuffers::Offset<schema::Sealed> RandomCommands::Maker::sealed_text() {
  const std::vector<uint8_t> box = {1, 2, 3};
  return schema::CreateSealedDirect(builder_, nullptr, "u0", &box);
}

flatbuffers::Offset<void> RandomCommands::Maker::build_billing(Command type, Time now) {
  const std::string space_id = open_space();
  const char* space = space_id.c_str();
  const char* maybe_space = chance(50) ? space : nullptr;
  switch (type) {
    case Command::SetPaymentMethod:
      return schema::CreateSetPaymentMethodDirect(builder_, maybe_space,
                                                  numbered("tok", below(3)).c_str(), "Visa")
          .Union();
    case Command::RemovePaymentMethod: {
      if (!believed_->account.token.empty()) {
        return schema::CreateRemovePaymentMethodDirect(builder_).Union();
      }
      const std::string paying = pick("s", stream_.options_.spaces, [&](const std::string& id) {
        const Space* found = believed_space(id);
        return found != nullptr && !found->account.token.empty();
      });
      return schema::CreateRemovePaymentMethodDirect(builder_, paying.c_str()).Union();
    }
    case Command::SetBillingDetails: {
      const auto name = sealed_text(), address = sealed_text();
      return schema::CreateSetBillingDetailsDirect(builder_, maybe_space, name, address,
                                                   chance(50) ? "DE" : "NL")
          .Union();
    }
    case Command::ChangeBillingMode:
      return schema::CreateChangeBillingModeDirect(
                 builder_, (believed_->billing_mode == "per_space") == chance(95) ? "consolidated"
                                                                                  : "per_space")
          .Union();
    case Command::ResumeSubscription: {
      const std::string cancelled = pick("s", stream_.options_.spaces, [&](const std::string& id) {
        const Space* found = believed_space(id);
        return found != nullptr && found->subscription.cancel_to.has_value();
      });
      return schema::CreateResumeSubscriptionDirect(builder_, cancelled.c_str()).Union();
    }
    case Command::SetSpendingCap: {
      flatbuffers::Optional<int64_t> amount;
      if (chance(70)) amount = static_cast<int64_t>(below(5000));
      return schema::CreateSetSpendingCapDirect(builder_, space, "api_requests", amount).Union();
    }
    case Command::TopUpCredits:
    case Command::GrantCredits:
    case Command::UseCredits:
      return build_credits(type, now);
    default:
      return build_invoice(type);
  }
}

flatbuffers::Offset<void> RandomCommands::Maker::build_credits(Command type, Time now) {
  const std::string space = open_space(), grant = numbered("grant", below(100));
  const auto amount = static_cast<int64_t>(1 + below(1000));
  flatbuffers::Optional<int64_t> expires;
  if (chance(50)) expires = to_micros(now + std::chrono::hours(1 + below(500)));
  if (type == Command::TopUpCredits) {
    return schema::CreateTopUpCreditsDirect(builder_, space.c_str(), grant.c_str(), amount, expires)
        .Union();
  }
  if (type == Command::GrantCredits) {
    return schema::CreateGrantCreditsDirect(builder_, space.c_str(), grant.c_str(), amount, expires,
                                            static_cast<uint32_t>(below(101)))
        .Union();
  }
  const std::string holder = pick("s", stream_.options_.spaces, [&](const std::string& id) {
    const Space* found = believed_space(id);
    return found != nullptr && std::ranges::any_of(found->credits, [](const auto& held) {
             return held.second.left > 0;
           });
  });
  return schema::CreateUseCreditsDirect(builder_, holder.c_str(), amount, "use",
                                        chance(10) ? grant.c_str() : nullptr)
      .Union();
}

// Of an invoice that is not paid, if there is one.
flatbuffers::Offset<void> RandomCommands::Maker::build_invoice(Command type) {
  std::string invoice = "none";
  Minor amount = 1;
  for (const auto& [id, held] : believed_->invoices) {
    if (held.left() > 0 && (invoice == "none" || chance(50))) {
      invoice = id.str();
      amount = held.left();
    }
  }
  if (chance(30) && amount > 1) amount /= 2;
  if (type == Command::RecordPayment) {
    return schema::CreateRecordPaymentDirect(builder_, invoice.c_str(), amount, "ref").Union();
  }
  if (type == Command::FailInvoicePayment) {
    return schema::CreateFailInvoicePaymentDirect(builder_, invoice.c_str(), amount, "ref").Union();
  }
  return schema::CreateIssueCreditNoteDirect(builder_, invoice.c_str(), amount, "note").Union();
}

}  // namespace tenure
