// A segment log on a simulated disk, and a notary that follows it.
#pragma once

#include <gmock/gmock.h>

#include "consumers/notary/notary.h"
#include "consumers/notary/verify_log.h"
#include "engine/log/segment_log.h"
#include "tests/log/log_fixture.h"
#include "tests/support/simulated_file_system.h"
#include "tests/support/temporary_directory.h"

namespace tenure::test {

inline constexpr Time kNoon = from_micros(1'790'000'000'000'000);

// What stands in the records.
using PayloadOf = std::string (*)(uint64_t number);
inline std::string honest(uint64_t number) { return payload_of(number, 100); }

class NotaryTest : public testing::Test {
 protected:
  NotaryTest() : key_(must(SigningKey::open_or_make(keys_.path() + "/key.pem"))) {}

  // A log of so many decisions in an empty directory, with the same id each time.
  std::unique_ptr<SegmentLog> make_log(const std::string& directory, uint32_t count,
                                       PayloadOf payload = honest) {
    auto log = must(SegmentLog::open(small_segments(disk_, directory)));
    append(*log, must(log->open_writer(kPartition, {})), count, payload);
    return log;
  }
  static void append(SegmentLog& log, Session session, uint32_t count, PayloadOf payload = honest) {
    for (uint32_t i = 0; i < count; ++i) {
      Batch batch{session.next, 1, {}};
      append_record(batch.bytes, {.stamp = session.stamp, .number = session.next},
                    as_bytes(payload(session.next.value)));
      session.next = session.next.next();
      log.append(kPartition, std::move(batch), [](Result<void> done) { must(std::move(done)); });
      pump_all(log);
    }
  }

  NotaryOptions options(const std::string& directory = "notary") {
    return {.directory = directory, .files = &disk_};
  }
  std::unique_ptr<Notary> open(DecisionLog& log, const std::string& directory = "notary") {
    return must(Notary::open(log, kPartition, key_, options(directory)));
  }
  static SignedHead sign_all(Notary& notary, Time now = kNoon) {
    while (must(notary.follow(7))) {
    }
    auto head = must(notary.sign_if_due(now, true));
    EXPECT_TRUE(head);
    return *head;
  }
  VerifierKey verifier(const Notary& notary) const { return key_.public_key(notary.origin()); }

  static LogVerification verify(DecisionLog& log, const std::vector<SignedHead>& heads) {
    return must(verify_log(must(log.read(kPartition, Offset{0})), {}, {}, heads));
  }

  TemporaryDirectory keys_;
  SigningKey key_;
  SimulatedFileSystem disk_{1};
};

}  // namespace tenure::test
