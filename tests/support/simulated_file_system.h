// A file system in memory that can lose power. What a program sees is the current state; what it
// finds after crash() is what it synced, plus whatever the seed lets through of the rest:
//
//   - each write that was not synced is kept, dropped, or torn: each of its 512-byte sectors by
//     itself, now and then cut inside the sector;
//   - creating, renaming and removing become durable in order, at the latest by sync_directory();
//     a seeded number of the later ones is undone;
//   - every open file, lock and thread of the program is dead: its calls fail with kIo.
//
// Any thread (one mutex); deterministic if used from one.
#pragma once

#include <map>
#include <mutex>
#include <random>

#include "engine/log/file_system.h"

namespace tenure::test {

class SimulatedFileSystem final : public FileSystem {
 public:
  explicit SimulatedFileSystem(uint64_t seed = 1, uint64_t capacity_bytes = uint64_t{1} << 40);
  ~SimulatedFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<void> create_directory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path,
                                         const std::string& holder) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) override;

  void crash();  // power loss
  void kill();   // the process dies, the machine goes on: nothing is lost, files and locks are dead

  // The next sync of any file, if the process lives to make it, fails with kIo and, as Linux does
  // it, takes what was unsynced for clean: still readable, never written by a later sync, gone at
  // the next crash.
  void fail_next_sync();

  void set_capacity(uint64_t bytes);                     // growing a file beyond it: kUnavailable
  void flip_bit(const std::string& path, uint64_t bit);  // in the current and the durable bytes
  std::vector<std::byte> contents(const std::string& path) const;
  void set_contents(const std::string& path, std::vector<std::byte> bytes);  // durable at once

  struct State;  // shared with the open files

 private:
  std::shared_ptr<State> state_;
};

}  // namespace tenure::test
