// What lies where in a data directory, and whether a directory is one.
//
//   log/               the decision log, with LOCK: the authority
//   keys/              the keys that personal text is sealed with: without them it cannot be read
//   mirror/            instead of these two: a copy of the log in Kafka, can be fetched again
//   state/             the engine's state store, can be rebuilt
//   read_models/       the read models, can be rebuilt
//   notary/            the key that heads are signed with, the heads, and the trees, which can be
//   made
//                      again from the log
//   admin_key.sha256   the hash of the generated admin key, if one was generated
#pragma once

#include <string>

#include "engine/base/ids.h"
#include "engine/base/result.h"

namespace tenure {

struct DataDirectory {
  std::string root;
  std::string log() const { return root + "/log"; }
  std::string keys() const { return root + "/keys"; }
  std::string state() const { return root + "/state"; }
  // Of a log over Kafka: its mirror, and a state store for each partition.
  std::string mirror() const { return root + "/mirror"; }
  std::string state_of(PartitionId partition) const {
    return state() + "/partition-" + std::to_string(partition.value);
  }
  std::string mirror_of(PartitionId partition) const {
    return mirror() + "/" + std::to_string(partition.value);
  }
  std::string read_models() const { return root + "/read_models"; }
  std::string notary() const { return root + "/notary"; }

  // Makes the directory if it is missing; empty ones are taken. kInvalid: it holds something else.
  static Result<DataDirectory> create(const std::string& root);
  // kNotFound: no such directory; kInvalid: it holds no log, or (`of_kafka`) no mirror of one.
  static Result<DataDirectory> existing(const std::string& root, bool of_kafka = false);
};

}  // namespace tenure
