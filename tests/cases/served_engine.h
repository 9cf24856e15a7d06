// `tenure serve` as the acceptance cases need it: over either log, stopped or killed on the way,
// and with a wall clock that a case may set.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "tests/cases/case_issuers.h"
#include "tests/cases/json_access.h"
#include "tests/support/temporary_directory.h"
#include "tools/tenure/api_client.h"
#include "tools/tenure/server_process.h"

namespace tenure::test {

// An engine with a log of its own: in Kafka if the environment says where a broker is
// (TENURE_KAFKA_STATE), else embedded. The program is TENURE_BINARY.
class ServedEngine {
 public:
  enum class WallClock : uint8_t { kReal, kSettable };

  // Ends the test program if it does not start.
  explicit ServedEngine(WallClock wall_clock);

  ApiClient client() const;  // with the key of service:admin
  // With a token that says that `issuer` vouches for the user.
  ApiClient client_of(std::string_view user, std::string_view issuer) const;

  // Stops the process and starts it again; over Kafka kills it, and another takes over. Returns
  // once all partitions take commands.
  Result<void> restart();

  Time now() const;  // by its wall clock
  // Only of a settable clock; it goes on from there. Returns once all that was due is done, and in
  // the read models.
  Result<void> set_clock(Time to);

 private:
  Result<std::unique_ptr<ServerProcess>> start_process();
  Result<void> wait_until_it_writes() const;
  Result<void> wait_for(std::string_view what,
                        const std::function<bool(const JsonElement&)>& partition_is) const;
  std::string clock_path() const { return directory_.path() + "/clock"; }
  void write_offset() const;

  TemporaryDirectory directory_;
  const CaseIssuers issuers_{directory_.path()};
  const WallClock wall_clock_;
  const std::string kafka_prefix_;  // empty: the log is embedded
  std::chrono::seconds offset_{0};  // of the wall clock, to the real one
  int processes_ = 0;
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace tenure::test
