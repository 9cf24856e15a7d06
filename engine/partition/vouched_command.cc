#include "engine/partition/vouched_command.h"

#include "engine/json/json_copy.h"
#include "engine/json/json_edge.h"

namespace tenure {

using namespace json;

namespace {

class VouchedCopy final : public TableCopy {
 public:
  CommandBytes copy(const schema::CommandEnvelope& envelope, const Vouched& vouched) {
    const TablePlan& plan = command_schema().root();
    FieldValues values = copy_fields(plan, reinterpret_cast<const flatbuffers::Table&>(envelope));
    if (!vouched.sign_in.empty()) {
      values.set(plan.index(*plan.find("sign_in")), builder_.CreateString(vouched.sign_in).o);
    }
    if (vouched.key_hash) {
      const auto hash = builder_.CreateVector(vouched.key_hash->data(), vouched.key_hash->size());
      values.set(plan.index(*plan.find("key_hash")), hash.o);
    }
    if (!vouched.sent_by.empty()) {
      values.set(plan.index(*plan.find("sent_by")), builder_.CreateString(vouched.sent_by).o);
    }
    builder_.Finish(as_offset(build_table(builder_, plan, values)),
                    schema::CommandEnvelopeIdentifier());
    return trusted_command({builder_.GetBufferPointer(), builder_.GetSize()});
  }
};

}  // namespace

bool is_vouched(const schema::CommandEnvelope& command) {
  return command.sign_in() != nullptr || command.key_hash() != nullptr ||
         command.sent_by() != nullptr;
}

CommandBytes vouch_for(CommandBytes command, const Vouched& vouched) {
  if (vouched.sign_in.empty() && !vouched.key_hash && vouched.sent_by.empty()) return command;
  return VouchedCopy().copy(command.get(), vouched);
}

}  // namespace tenure
