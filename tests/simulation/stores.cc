#include "tests/simulation/stores.h"

#include <filesystem>

#include "projections/queries/queries.h"
#include "projections/read_models.h"
#include "tests/domain/domain_machine.h"

namespace tenure::test {

SimulatedStores::SimulatedStores(bool real, uint64_t seed)
    : real_(real), memory_state_(static_cast<uint8_t>(seed)) {
  if (seed % 4 == 0) memory_state_.let_hashes_collide();
}

Result<void> SimulatedStores::open_state() {
  if (!real_) {
    if (memory_state_.condemned()) return memory_state_.reset();
    return {};
  }
  rocks_state_ = TRY(open_state_store(directory_.path() + "/state"));
  return {};
}

Result<void> SimulatedStores::open_read_models(DecisionLog& log) {
  if (!real_) return {};
  read_models_ = TRY(Store::open(directory_.path() + "/rows"));
  projector_ = TRY(Projector::open(log, PartitionId{}, *read_models_, {.batch_decisions = 50}));
  return {};
}

void SimulatedStores::crash() {
  projector_ = nullptr;
  read_models_ = nullptr;
  rocks_state_ = nullptr;
  memory_state_.fail_writes(std::nullopt);
}

SimulatedStores::Harm SimulatedStores::harm(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0:
      if (real_) break;
      memory_state_.lose_last_checkpoint();
      return Harm::kLostCheckpoint;
    case 1:
      if (real_) {
        std::filesystem::remove_all(directory_.path() + "/state");
      } else {
        memory_state_.condemn();
      }
      return Harm::kLostStore;
    default:
      break;
  }
  return Harm::kNone;
}

void SimulatedStores::fail_writes(bool fail) {
  if (!fail) return memory_state_.fail_writes(std::nullopt);
  memory_state_.fail_writes(Error{ErrorKind::kUnavailable, "the disk of the store is full"});
}

Result<bool> SimulatedStores::project() {
  if (!real_) return false;
  const bool worked = TRY(projector_->step());
  if (++projected_ % 8 == 0) TRY(read_models_->flush());
  return worked;
}

Result<void> SimulatedStores::compare_with(
    const std::map<std::string, Organization, std::less<>>& organizations) {
  if (!real_) return {};
  const auto view = read_models_->view();
  const QueryContext context{*view, test_rulebooks(), {}, {}};
  for (const auto& [org, organization] : organizations) {
    const std::string version = "\"version\":" + std::to_string(organization.version) + ",";
    const std::string row = TRY(get_organization(context, org));
    if (row.find(version) == std::string::npos) {
      return fail(ErrorKind::kCorrupt, "the read models have not " + version + " but " + row);
    }
    for (const auto& [user, member] : organization.members) TRY(get_member(context, org, user));
  }
  return {};
}

Result<void> SimulatedStores::compare_with_rebuilt(DecisionLog& log) {
  if (!real_) return {};
  while (TRY(projector_->step())) {
  }
  const auto rebuilt = TRY(Store::open(directory_.path() + "/rebuilt"));
  const auto projector = TRY(Projector::open(log, PartitionId{}, *rebuilt));
  while (TRY(projector->step())) {
  }
  const VerifyReport report = TRY(compare_rows(*rebuilt->view(), *read_models_->view()));
  if (report.difference) {
    return fail(ErrorKind::kCorrupt,
                "the read models differ from a rebuild: " + *report.difference);
  }
  return {};
}

}  // namespace tenure::test
