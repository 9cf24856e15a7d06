// The terms of a plan, as they were sold.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "schemas/catalog_generated.h"

namespace tenure {

// Terms are a verified schema::Plan buffer of its own, shared by all who were sold the same.
class PlanTerms {
 public:
  PlanTerms() = default;
  static PlanTerms copy_of(const schema::Plan& plan);
  const schema::Plan& get() const;
  std::string_view name() const;
  const schema::MeterTerms* meter(std::string_view name) const;  // null: no such meter in the plan
  explicit operator bool() const { return buffer_ != nullptr; }
  friend bool operator==(const PlanTerms& a, const PlanTerms& b);

 private:
  std::shared_ptr<const std::vector<uint8_t>> buffer_;
};

// True if the plan costs something, so that somebody must pay for it.
inline bool is_paid(const schema::Plan& plan) { return plan.price_minor() > 0; }

}  // namespace tenure
