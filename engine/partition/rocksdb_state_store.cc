// The state store in RocksDB.
//
// A store is a directory of its own under the one given, `state-<generation>`; the highest counts.
// A file `state-<generation>.condemned` beside it says that it must not be used. Column families:
//   default     "secret": bytes[192]; "mark": CheckpointMark as nine u64, little-endian
//   rows        org 0x00 key (state_rows.h): row
//   due         at:u64be org: nothing
//   ids-<day>   first number:u64be: (hash:u64 number:u64)*, little-endian
// No write-ahead log. A checkpoint is a sorted file a family, written into `incoming` and then
// taken in together: nothing is sorted in memory first, and one commit of RocksDB's manifest holds
// it all.
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "engine/base/check.h"
#include "engine/base/prefix.h"
#include "engine/domain/evolve.h"
#include "engine/partition/state_store.h"

namespace tenure {
namespace {

using rocksdb::ColumnFamilyHandle;
using rocksdb::Slice;
using rocksdb::Status;

constexpr char kSecretKey[] = "secret";
constexpr char kMarkKey[] = "mark";
constexpr char kRows[] = "rows";
constexpr char kDue[] = "due";
constexpr std::string_view kIdsPrefix = "ids-";
constexpr size_t kIdsPerRow = 1 << 16;

std::unexpected<Error> failed(std::string_view what, const Status& status) {
  const ErrorKind kind = status.IsNoSpace()      ? ErrorKind::kUnavailable
                         : status.IsCorruption() ? ErrorKind::kCorrupt
                                                 : ErrorKind::kIo;
  return fail(kind, "state store: " + std::string(what) + ": " + status.ToString());
}

std::string big_endian(uint64_t value) {
  std::string bytes(8, '\0');
  for (size_t i = 8; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value);
  return bytes;
}

uint64_t from_big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; i++) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

std::string encode_mark(const CheckpointMark& mark) {
  const uint64_t words[] = {mark.position.next_offset.value,
                            mark.position.next_number.value,
                            mark.position.stamp.value,
                            mark.last.next.value,
                            mark.last.offset.value,
                            mark.last.crc,
                            static_cast<uint64_t>(to_micros(mark.last_time)),
                            mark.organizations,
                            uint64_t{mark.evolve_version} << 32 | mark.rows_version};
  return {reinterpret_cast<const char*>(words), sizeof(words)};
}

std::optional<CheckpointMark> decode_mark(std::string_view bytes) {
  uint64_t words[9];
  if (bytes.size() != sizeof(words)) return std::nullopt;
  std::memcpy(words, bytes.data(), sizeof(words));
  return CheckpointMark{.position = {{words[0]}, {words[1]}, {words[2]}},
                        .last = {{words[3]}, {words[4]}, static_cast<uint32_t>(words[5])},
                        .last_time = from_micros(static_cast<int64_t>(words[6])),
                        .organizations = words[7],
                        .evolve_version = static_cast<uint32_t>(words[8] >> 32),
                        .rows_version = static_cast<uint32_t>(words[8])};
}

// Due times are not before 1970: microseconds sort as they are.
std::string due_key(const DueEntry& entry) {
  return big_endian(static_cast<uint64_t>(to_micros(entry.at))) + entry.org;
}

class RocksStateStore final : public StateStore {
 public:
  RocksStateStore(std::string directory, const StateStoreOptions& options)
      : directory_(std::move(directory)) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    family_options_.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    family_options_.compression = rocksdb::kNoCompression;
  }

  ~RocksStateStore() override { close(); }

  // Opens generation `generation_`; an empty store if there is none.
  Result<void> open() {
    TRY(find_generation());
    if (std::filesystem::exists(condemned_path())) return reset();
    const Status status = open_database();
    if (status.ok()) return finish_open();
    // These say that the store cannot be read; others (no permission, held by another process) that
    // nothing is known of it.
    if (status.IsCorruption() || status.IsInvalidArgument() || status.IsPathNotFound() ||
        status.IsNotSupported() || status.IsIncomplete()) {
      return reset();
    }
    if (status.ToString().find("lock") != std::string::npos) {
      return fail(ErrorKind::kConflict,
                  "state store: " + path() + " is in use by another process; stop it first");
    }
    return failed("cannot open " + path(), status);
  }

  const StoreSecret& secret() const override { return secret_; }

  Result<std::optional<CheckpointMark>> mark() const override {
    std::string bytes;
    const Status status = db_->Get({}, default_, kMarkKey, &bytes);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return failed("cannot read its mark", status);
    const auto mark = decode_mark(bytes);
    if (!mark) return fail(ErrorKind::kCorrupt, "state store: its mark is damaged");
    return mark;
  }

  Result<void> read_due(const std::function<void(DueEntry)>& visit) const override {
    return scan(due_, [&](std::string_view key, std::string_view) -> Result<void> {
      if (key.size() <= 8) return fail(ErrorKind::kCorrupt, "state store: a damaged due entry");
      visit({from_micros(static_cast<int64_t>(from_big_endian(key))), std::string(key.substr(8))});
      return {};
    });
  }

  Result<void> read_ids(
      const std::function<void(Day, std::span<const UsedId>)>& visit) const override {
    std::vector<UsedId> ids;
    for (const auto& [day, family] : ids_) {
      TRY(scan(family, [&](std::string_view, std::string_view value) -> Result<void> {
        ids.resize(value.size() / sizeof(UsedId));
        std::memcpy(ids.data(), value.data(), ids.size() * sizeof(UsedId));
        visit(day, ids);
        return {};
      }));
    }
    return {};
  }

  Result<void> read_rows(std::string_view org, const VisitRow& visit) const override {
    // The organization's own row first: a Bloom filter answers for those that do not exist.
    const std::string begin = std::string(org) + '\0';
    rocksdb::PinnableSlice own_row;
    const Status found = db_->Get({}, rows_, begin + '\x01', &own_row);
    if (found.IsNotFound()) return {};
    if (!found.ok()) return failed("cannot read", found);
    const std::string end = std::string(org) + '\x01';
    const Slice bound(end);
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &bound;
    return scan(
        rows_,
        [&](std::string_view key, std::string_view value) {
          return visit(key.substr(begin.size()), value);
        },
        options, begin);
  }

  Result<void> write(const Checkpoint& checkpoint) override {
    Files files;
    if (!checkpoint.rows.all().empty()) {
      TRY(add_file(files, rows_,
                   [&](rocksdb::SstFileWriter& out) { return add_rows(out, checkpoint.rows); }));
    }
    if (!checkpoint.due_removed.empty() || !checkpoint.due_added.empty()) {
      TRY(add_file(files, due_,
                   [&](rocksdb::SstFileWriter& out) { return add_due(out, checkpoint); }));
    }
    for (const auto& [day, ids] : checkpoint.ids) {
      TRY(add_file(files, TRY(ids_family(day)),
                   [&](rocksdb::SstFileWriter& out) { return add_ids(out, ids); }));
    }
    TRY(add_file(files, default_, [&](rocksdb::SstFileWriter& out) {
      return out.Put(kMarkKey, encode_mark(checkpoint.mark));
    }));
    if (Status status = db_->IngestExternalFiles(files); !status.ok()) {
      return failed("cannot write", status);
    }
    return drop_days_before(checkpoint.first_day);
  }

  void condemn() override { std::ofstream(condemned_path()).put('\n'); }

  Result<void> reset() override {
    close();
    const std::string old = path();
    const std::string old_condemned = condemned_path();
    generation_++;
    if (Status status = open_database(); !status.ok()) {
      return failed("cannot make " + path(), status);
    }
    TRY(finish_open());
    std::error_code ignored;  // what stays behind is never read again
    std::filesystem::remove_all(old, ignored);
    std::filesystem::remove(old_condemned, ignored);
    return {};
  }

 private:
  std::string path() const { return directory_ + "/state-" + std::to_string(generation_); }
  std::string condemned_path() const { return path() + ".condemned"; }
  std::string incoming() const { return path() + "/incoming"; }

  Result<void> find_generation() {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("state-")) {
        generation_ = std::max(generation_, uint64_t{std::strtoull(name.c_str() + 6, nullptr, 10)});
      }
    }
    if (error) {
      return fail(ErrorKind::kIo, "state store: cannot use " + directory_ + ": " + error.message() +
                                      "; check its owner and permissions");
    }
    return {};
  }

  Status open_database() {
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.max_background_jobs = 2;
    options.bytes_per_sync = 1u << 20;  // no burst of writes that the log's syncs would wait behind
    std::vector<std::string> names;
    // Fails where there is no store yet.
    if (!rocksdb::DB::ListColumnFamilies(options, path(), &names).ok()) {
      names = {rocksdb::kDefaultColumnFamilyName};
    }
    for (const char* needed : {kRows, kDue}) {
      if (std::ranges::find(names, needed) == names.end()) names.emplace_back(needed);
    }
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    families.reserve(names.size());
    for (const std::string& name : names) families.emplace_back(name, family_options_);
    rocksdb::DB* db = nullptr;
    const Status status = rocksdb::DB::Open(options, path(), families, &handles_, &db);
    db_.reset(db);
    return status;
  }

  Result<void> finish_open() {
    std::error_code error;
    std::filesystem::remove_all(incoming(), error);
    std::filesystem::create_directories(incoming(), error);
    if (error) {
      return fail(ErrorKind::kIo,
                  "state store: cannot make " + incoming() + ": " + error.message());
    }
    for (ColumnFamilyHandle* handle : handles_) {
      const std::string& name = handle->GetName();
      if (name == rocksdb::kDefaultColumnFamilyName) default_ = handle;
      if (name == kRows) rows_ = handle;
      if (name == kDue) due_ = handle;
      if (name.starts_with(kIdsPrefix)) ids_[std::stoi(name.substr(kIdsPrefix.size()))] = handle;
    }
    std::string bytes;
    const Status status = db_->Get({}, default_, kSecretKey, &bytes);
    if (status.ok() && bytes.size() == secret_.size()) {
      std::memcpy(secret_.data(), bytes.data(), secret_.size());
      return {};
    }
    if (!status.IsNotFound()) return failed("cannot read " + path(), status);
    std::random_device random;
    for (uint8_t& byte : secret_) byte = static_cast<uint8_t>(random());
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    const Slice value(reinterpret_cast<const char*>(secret_.data()), secret_.size());
    if (Status put = db_->Put(options, default_, kSecretKey, value); !put.ok()) {
      return failed("cannot write " + path(), put);
    }
    if (Status flushed = db_->Flush({}, default_); !flushed.ok()) {
      return failed("cannot write " + path(), flushed);
    }
    return {};
  }

  void close() {
    for (ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
    handles_.clear();
    ids_.clear();
    db_.reset();
  }

  using Files = std::vector<rocksdb::IngestExternalFileArg>;

  // A file for the family, of what `add` puts into it in the order of keys: something.
  template <class Add>
  Result<void> add_file(Files& files, ColumnFamilyHandle* family, const Add& add) {
    const rocksdb::Options options = db_->GetOptions(family);
    // What was just written stays in the page cache: compaction reads it next.
    constexpr bool kDropFromPageCache = false;
    rocksdb::SstFileWriter out(rocksdb::EnvOptions(options), options, family, kDropFromPageCache);
    const std::string file = incoming() + "/" + family->GetName();
    if (Status status = out.Open(file); !status.ok()) return failed("cannot write", status);
    if (Status status = add(out); !status.ok()) return failed("cannot write", status);
    if (Status status = out.Finish(); !status.ok()) return failed("cannot write", status);
    rocksdb::IngestExternalFileArg& taken = files.emplace_back();
    taken.column_family = family;
    taken.external_files = {file};
    taken.options.move_files = true;
    taken.options.write_global_seqno = false;  // no second write to the file
    return {};
  }

  static Status add_rows(rocksdb::SstFileWriter& out, const RowChanges& rows) {
    for (const auto changes : rows.in_key_order()) {
      for (const RowChanges::Change& change : changes) {
        if (Status status = add_row(out, change); !status.ok()) return status;
      }
    }
    return Status::OK();
  }

  static Status add_row(rocksdb::SstFileWriter& out, const RowChanges::Change& change) {
    switch (change.kind) {
      case RowChanges::Kind::kPut:
        return out.Put(change.key, change.value);
      case RowChanges::Kind::kRemove:
        return out.Delete(change.key);
      case RowChanges::Kind::kRemovePrefix:
        return out.DeleteRange(change.key, end_of_prefix(change.key));
    }
    CHECK(false);
    return Status::OK();
  }

  static Status add_due(rocksdb::SstFileWriter& out, const Checkpoint& checkpoint) {
    std::vector<std::pair<std::string, bool>> entries;  // whether it is added
    entries.reserve(checkpoint.due_removed.size() + checkpoint.due_added.size());
    for (const DueEntry& entry : checkpoint.due_removed)
      entries.emplace_back(due_key(entry), false);
    for (const DueEntry& entry : checkpoint.due_added) entries.emplace_back(due_key(entry), true);
    std::ranges::sort(entries);
    for (const auto& [key, added] : entries) {
      if (Status status = added ? out.Put(key, {}) : out.Delete(key); !status.ok()) return status;
    }
    return Status::OK();
  }

  static Status add_ids(rocksdb::SstFileWriter& out, const std::vector<UsedId>& ids) {
    for (size_t at = 0; at < ids.size(); at += kIdsPerRow) {
      const size_t count = std::min(kIdsPerRow, ids.size() - at);
      const Slice row(reinterpret_cast<const char*>(&ids[at]), count * sizeof(UsedId));
      if (Status status = out.Put(big_endian(ids[at].number.value), row); !status.ok()) {
        return status;
      }
    }
    return Status::OK();
  }

  Result<ColumnFamilyHandle*> ids_family(Day day) {
    if (const auto found = ids_.find(day); found != ids_.end()) return found->second;
    ColumnFamilyHandle* handle = nullptr;
    const std::string name = std::string(kIdsPrefix) + std::to_string(day);
    const Status status = db_->CreateColumnFamily(family_options_, name, &handle);
    if (!status.ok()) return failed("cannot make " + name, status);
    handles_.push_back(handle);
    return ids_[day] = handle;
  }

  Result<void> drop_days_before(Day first_day) {
    while (!ids_.empty() && ids_.begin()->first < first_day) {
      ColumnFamilyHandle* handle = ids_.begin()->second;
      if (Status status = db_->DropColumnFamily(handle); !status.ok()) {
        return failed("cannot drop " + handle->GetName(), status);
      }
      std::erase(handles_, handle);
      ids_.erase(ids_.begin());
      db_->DestroyColumnFamilyHandle(handle);
    }
    return {};
  }

  template <class Visit>
  Result<void> scan(ColumnFamilyHandle* family, Visit&& visit,
                    const rocksdb::ReadOptions& options = {}, const std::string& from = {}) const {
    const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options, family));
    for (rows->Seek(from); rows->Valid(); rows->Next()) {
      TRY(visit(rows->key().ToStringView(), rows->value().ToStringView()));
    }
    if (!rows->status().ok()) return failed("cannot read", rows->status());
    return {};
  }

  std::string directory_;
  uint64_t generation_ = 0;
  rocksdb::ColumnFamilyOptions family_options_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<ColumnFamilyHandle*> handles_;  // owned, of all families
  ColumnFamilyHandle* default_ = nullptr;
  ColumnFamilyHandle* rows_ = nullptr;
  ColumnFamilyHandle* due_ = nullptr;
  std::map<Day, ColumnFamilyHandle*> ids_;
  StoreSecret secret_{};
};

}  // namespace

Result<std::unique_ptr<StateStore>> open_state_store(const std::string& directory,
                                                     const StateStoreOptions& options) {
  auto store = std::make_unique<RocksStateStore>(directory, options);
  TRY(store->open());
  return store;
}

}  // namespace tenure
