// Structured logs on stderr: `time=... level=... event=... key=value ...`, a line each. Ids and
// figures only; never names, e-mails, reasons or keys.
#pragma once

#include <string_view>

namespace tenure {

// `level`: trace, debug, info, warning, error, critical, off.
void start_logging(std::string_view level);

}  // namespace tenure
