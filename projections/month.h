// Months as the usage model keys them: Month of the domain; 0 stands for a gauge, which has none.
#pragma once

#include "engine/domain/calendar.h"

namespace tenure {

inline constexpr Month kGaugeMonth = 0;

}  // namespace tenure
