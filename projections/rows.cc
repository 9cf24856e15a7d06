#include "projections/rows.h"

#include <cstring>

namespace tenure {

std::string_view family_name(Family family) {
  switch (family) {
    case Family::kMembership:
      return "membership";
    case Family::kUsage:
      return "usage";
    case Family::kBilling:
      return "billing";
    case Family::kHistory:
      return "history";
  }
  return "";
}

void Row::assign(RowBytes bytes) {
  words_.resize((bytes.size() + 7) / 8);
  if (!bytes.empty()) std::memcpy(words_.data(), bytes.data(), bytes.size());
  size_ = bytes.size();
}

}  // namespace tenure
