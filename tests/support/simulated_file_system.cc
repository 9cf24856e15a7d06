#include "tests/support/simulated_file_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "engine/base/check.h"

namespace tenure::test {
namespace {

using Content = std::vector<std::byte>;
constexpr uint64_t kSector = 512;

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// What a program did to a file and has not synced: bytes written, or the file's size set.
struct Change {
  uint64_t position = 0;
  Content bytes;
  bool sets_size = false;
};

void write(Content& content, uint64_t position, Bytes bytes) {
  content.resize(std::max<size_t>(content.size(), position + bytes.size()));
  std::ranges::copy(bytes, content.begin() + static_cast<ptrdiff_t>(position));
}

void replay(Content& content, const Change& change) {
  if (change.sets_size) {
    content.resize(change.position);
  } else {
    write(content, change.position, change.bytes);
  }
}

struct Inode {
  Content current;
  Content durable;
  std::vector<Change> unsynced;
};

// A name that now means `to` (nothing: removed), made by one operation with `also`, for renames.
struct NameChange {
  std::string path;
  std::shared_ptr<Inode> to;
  std::string also_removed;
};
using Names = std::map<std::string, std::shared_ptr<Inode>>;

void replay(Names& names, const NameChange& change) {
  if (change.to) {
    names[change.path] = change.to;
  } else {
    names.erase(change.path);
  }
  if (!change.also_removed.empty()) names.erase(change.also_removed);
}

}  // namespace

struct SimulatedFileSystem::State {
  mutable std::mutex mutex;
  std::mt19937_64 random;
  uint64_t capacity;
  uint64_t epoch = 0;  // of the running process; older files and locks are dead
  bool next_sync_fails = false;
  std::set<std::string> directories = {".", "", "/"};
  Names names;
  Names durable_names;
  std::vector<NameChange> unsynced_names;
  std::map<std::string, std::string> locks;

  State(uint64_t seed, uint64_t bytes) : random(seed), capacity(bytes) {}

  uint64_t used() const {
    uint64_t sum = 0;
    for (const auto& [path, inode] : names) sum += inode->current.size();
    return sum;
  }
  Result<std::shared_ptr<Inode>> find(const std::string& path) const {
    const auto found = names.find(path);
    if (found == names.end()) return fail(ErrorKind::kNotFound, "no file " + path);
    return found->second;
  }
  // All that the process had is gone.
  void end_process() {
    locks.clear();
    next_sync_fails = false;
    ++epoch;
  }
  void change_name(NameChange change) {
    replay(names, change);
    unsynced_names.push_back(std::move(change));
  }
  bool chance(unsigned percent) { return random() % 100 < percent; }

  void lose_power(Inode& inode);
  void tear(Content& content, const Change& change);
};

// A torn write: each sector by itself, one in sixteen cut inside.
void SimulatedFileSystem::State::tear(Content& content, const Change& change) {
  const uint64_t end = change.position + change.bytes.size();
  for (uint64_t at = change.position; at < end;) {
    const uint64_t sector_end = std::min(end, (at / kSector + 1) * kSector);
    uint64_t keep = chance(50) ? sector_end - at : 0;
    if (chance(6)) keep = random() % (sector_end - at + 1);
    write(content, at, Bytes(change.bytes).subspan(at - change.position, keep));
    at = sector_end;
  }
}

void SimulatedFileSystem::State::lose_power(Inode& inode) {
  for (const Change& change : inode.unsynced) {
    switch (random() % 3) {
      case 0:
        break;
      case 1:
        replay(inode.durable, change);
        break;
      case 2:
        if (!change.sets_size) tear(inode.durable, change);
        break;
    }
  }
  inode.unsynced.clear();
  inode.current = inode.durable;
}

namespace {

using State = SimulatedFileSystem::State;

std::unexpected<Error> dead() { return fail(ErrorKind::kIo, "the process of this file is dead"); }

class SimulatedFile final : public File {
 public:
  SimulatedFile(std::shared_ptr<State> state, std::shared_ptr<Inode> inode)
      : state_(std::move(state)), epoch_(state_->epoch), inode_(std::move(inode)) {}

  Result<void> write_at(uint64_t position, std::initializer_list<Bytes> parts) override {
    Change change{position, {}, false};
    for (const Bytes part : parts)
      change.bytes.insert(change.bytes.end(), part.begin(), part.end());
    const uint64_t end = position + change.bytes.size();
    return change_by(std::move(change), end);
  }

  Result<size_t> read_at(uint64_t position, std::span<std::byte> bytes) const override {
    const std::scoped_lock lock(state_->mutex);
    if (epoch_ != state_->epoch) return dead();
    const Content& content = inode_->current;
    if (position >= content.size()) return 0;
    const size_t size = std::min<size_t>(bytes.size(), content.size() - position);
    if (size > 0) std::memcpy(bytes.data(), content.data() + position, size);
    return size;
  }

  Result<void> sync() override {
    const std::scoped_lock lock(state_->mutex);
    if (epoch_ != state_->epoch) return dead();
    const bool fails = std::exchange(state_->next_sync_fails, false);
    if (!fails) {
      for (const Change& change : inode_->unsynced) replay(inode_->durable, change);
    }
    inode_->unsynced.clear();
    if (fails) return fail(ErrorKind::kIo, "simulated failure of a sync");
    return {};
  }

  Result<uint64_t> size() const override {
    const std::scoped_lock lock(state_->mutex);
    if (epoch_ != state_->epoch) return dead();
    return inode_->current.size();
  }

  Result<void> truncate(uint64_t size) override { return change_by({size, {}, true}, size); }

 private:
  Result<void> change_by(Change change, uint64_t new_end) {
    const std::scoped_lock lock(state_->mutex);
    if (epoch_ != state_->epoch) return dead();
    const uint64_t size = inode_->current.size();
    if (new_end > size && state_->used() + (new_end - size) > state_->capacity) {
      return fail(ErrorKind::kUnavailable, "simulated disk is full");
    }
    replay(inode_->current, change);
    inode_->unsynced.push_back(std::move(change));
    return {};
  }

  std::shared_ptr<State> state_;
  uint64_t epoch_;
  std::shared_ptr<Inode> inode_;
};

class SimulatedLock final : public FileLock {
 public:
  SimulatedLock(std::shared_ptr<State> state, std::string path)
      : state_(std::move(state)), epoch_(state_->epoch), path_(std::move(path)) {}
  ~SimulatedLock() override {
    const std::scoped_lock lock(state_->mutex);
    if (epoch_ == state_->epoch) state_->locks.erase(path_);
  }

 private:
  std::shared_ptr<State> state_;
  uint64_t epoch_;
  std::string path_;
};

}  // namespace

SimulatedFileSystem::SimulatedFileSystem(uint64_t seed, uint64_t capacity_bytes)
    : state_(std::make_shared<State>(seed, capacity_bytes)) {}
SimulatedFileSystem::~SimulatedFileSystem() = default;

Result<std::unique_ptr<File>> SimulatedFileSystem::open(const std::string& path, OpenMode mode) {
  const std::scoped_lock lock(state_->mutex);
  if (mode == OpenMode::kCreateNew) {
    if (!state_->directories.contains(parent_of(path))) {
      return fail(ErrorKind::kNotFound, "no directory for " + path);
    }
    if (state_->names.contains(path)) return fail(ErrorKind::kIo, path + " is there already");
    state_->change_name({path, std::make_shared<Inode>(), ""});
  }
  return std::make_unique<SimulatedFile>(state_, TRY(state_->find(path)));
}

Result<void> SimulatedFileSystem::create_directory(const std::string& path) {
  const std::scoped_lock lock(state_->mutex);
  for (std::string at = path; !state_->directories.contains(at); at = parent_of(at)) {
    if (state_->names.contains(at)) return fail(ErrorKind::kIo, at + " is not a directory");
    state_->directories.insert(at);
  }
  return {};
}

Result<std::unique_ptr<FileLock>> SimulatedFileSystem::lock(const std::string& path,
                                                            const std::string& holder) {
  const std::scoped_lock lock(state_->mutex);
  if (!state_->directories.contains(parent_of(path))) {
    return fail(ErrorKind::kNotFound, "no directory for " + path);
  }
  const auto [held, taken] = state_->locks.emplace(path, holder);
  if (!taken) {
    return fail(ErrorKind::kConflict,
                fmt::format("{} is held by {}; stop it first", path, held->second));
  }
  if (!state_->names.contains(path)) state_->change_name({path, std::make_shared<Inode>(), ""});
  return std::make_unique<SimulatedLock>(state_, path);
}

Result<void> SimulatedFileSystem::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(state_->mutex);
  CHECK(parent_of(from) == parent_of(to));
  state_->change_name({to, TRY(state_->find(from)), from});
  return {};
}

Result<void> SimulatedFileSystem::remove(const std::string& path) {
  const std::scoped_lock lock(state_->mutex);
  TRY(state_->find(path));
  state_->change_name({path, nullptr, ""});
  return {};
}

Result<void> SimulatedFileSystem::sync_directory(const std::string& path) {
  const std::scoped_lock lock(state_->mutex);
  if (!state_->directories.contains(path)) return fail(ErrorKind::kNotFound, "no " + path);
  std::erase_if(state_->unsynced_names, [&](const NameChange& change) {
    if (parent_of(change.path) != path) return false;
    replay(state_->durable_names, change);
    return true;
  });
  return {};
}

Result<std::vector<std::string>> SimulatedFileSystem::list(const std::string& path) {
  const std::scoped_lock lock(state_->mutex);
  if (!state_->directories.contains(path)) return fail(ErrorKind::kNotFound, "no " + path);
  std::vector<std::string> names;
  for (const auto& [name, inode] : state_->names) {
    if (parent_of(name) == path) names.push_back(name.substr(path.size() + 1));
  }
  return names;
}

Result<uint64_t> SimulatedFileSystem::free_bytes(const std::string&) {
  const std::scoped_lock lock(state_->mutex);
  return state_->capacity - std::min(state_->capacity, state_->used());
}

void SimulatedFileSystem::crash() {
  const std::scoped_lock lock(state_->mutex);
  const size_t survive = state_->random() % (state_->unsynced_names.size() + 1);
  for (size_t i = 0; i < survive; ++i) replay(state_->durable_names, state_->unsynced_names[i]);
  state_->unsynced_names.clear();
  state_->names = state_->durable_names;
  for (auto& [path, inode] : state_->names) state_->lose_power(*inode);
  state_->end_process();
}

void SimulatedFileSystem::kill() {
  const std::scoped_lock lock(state_->mutex);
  state_->end_process();
}

void SimulatedFileSystem::fail_next_sync() {
  const std::scoped_lock lock(state_->mutex);
  state_->next_sync_fails = true;
}

void SimulatedFileSystem::set_capacity(uint64_t bytes) {
  const std::scoped_lock lock(state_->mutex);
  state_->capacity = bytes;
}

void SimulatedFileSystem::flip_bit(const std::string& path, uint64_t bit) {
  const std::scoped_lock lock(state_->mutex);
  const auto inode = state_->find(path);
  CHECK(inode);
  for (Content* content : {&(*inode)->current, &(*inode)->durable}) {
    content->at(bit / 8) ^= std::byte{1} << (bit % 8);
  }
}

Content SimulatedFileSystem::contents(const std::string& path) const {
  const std::scoped_lock lock(state_->mutex);
  const auto inode = state_->find(path);
  CHECK(inode);
  return (*inode)->current;
}

void SimulatedFileSystem::set_contents(const std::string& path, Content bytes) {
  const std::scoped_lock lock(state_->mutex);
  auto inode = std::make_shared<Inode>();
  inode->durable = bytes;
  inode->current = std::move(bytes);
  state_->names[path] = inode;
  state_->durable_names[path] = inode;
}

}  // namespace tenure::test
