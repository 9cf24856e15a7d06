#include "engine/domain/plan_copy.h"

#include <vector>

namespace tenure {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

Offset<schema::MeterTerms> copy_meter(FlatBufferBuilder& builder, const schema::MeterTerms& meter) {
  Offset<flatbuffers::Vector<Offset<schema::PriceTier>>> tiers;
  if (meter.tiers() != nullptr) {
    std::vector<Offset<schema::PriceTier>> copies;
    for (const schema::PriceTier* tier : *meter.tiers()) {
      copies.push_back(
          schema::CreatePriceTier(builder, tier->from(), tier->unit(), tier->amount_minor()));
    }
    tiers = builder.CreateVector(copies);
  }
  const auto name = builder.CreateString(meter.meter());
  return schema::CreateMeterTerms(builder, name, meter.kind(), meter.limit(), tiers);
}

}  // namespace

Offset<schema::Plan> copy_plan(FlatBufferBuilder& builder, const schema::Plan& plan) {
  std::vector<Offset<schema::MeterTerms>> meters;
  for (const schema::MeterTerms* meter : *plan.meters()) {
    meters.push_back(copy_meter(builder, *meter));
  }
  const auto name = builder.CreateString(plan.name());
  const auto copied = builder.CreateVector(meters);
  return schema::CreatePlan(builder, name, plan.price_minor(), plan.period_months(), copied);
}

}  // namespace tenure
