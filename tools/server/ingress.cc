#include "tools/server/ingress.h"

#include "engine/domain/names.h"
#include "engine/partition/vouched_command.h"
#include "tools/server/service_key.h"

namespace tenure {

Expected<IngressCommand, Undecided> vouched_by(const Principal& sender, CommandBytes command) {
  const schema::CommandEnvelope& envelope = command.get();
  const std::string_view actor = envelope.actor()->string_view();
  if (!sender.may_act_as(actor, envelope.org()->string_view())) {
    return std::unexpected(Undecided{403, "forbidden",
                                     "you are " + sender.actor() + " and may not act as " +
                                         in_quotes(actor) +
                                         " there; leave the actor out, or have act_for_users "
                                         "granted to the service"});
  }
  const std::string sent_by = "http " + sender.actor();
  Vouched vouched{.sign_in = sender.sign_in(), .key_hash = {}, .sent_by = sent_by};
  std::string secret;
  if (const auto* create = envelope.command_as_CreateApiKey()) {
    NewServiceKey key = new_service_key(create->key()->string_view());
    vouched.key_hash = key.hash;
    secret = std::move(key.text);
  }
  return IngressCommand{vouch_for(std::move(command), vouched), std::move(secret)};
}

}  // namespace tenure
