#include "projections/store.h"

#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <mutex>

#include "engine/base/check.h"
#include "engine/base/prefix.h"
#include "projections/key_layout.h"
#include "projections/row_batch.h"
#include "projections/row_cache.h"
#include "projections/store_settings.h"
#include "schemas/rows_generated.h"

namespace tenure {
namespace {

constexpr char kFormatKey[] = "format";
// Present in a store's directory once a read has found damage: the next open refuses.
constexpr char kDamagedMark[] = "/damaged";
// Where files are written before they are taken in.
constexpr char kIncoming[] = "/incoming";

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
rocksdb::Slice slice(RowBytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
RowBytes row_bytes(const rocksdb::Slice& slice) {
  return {reinterpret_cast<const uint8_t*>(slice.data()), slice.size()};
}

// The open database; views keep it open.
struct Database {
  std::string directory;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;  // the four families, then the default one

  ~Database() {
    for (auto* handle : handles) (void)db->DestroyColumnFamilyHandle(handle);
  }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return handles[static_cast<size_t>(family)];
  }
  rocksdb::ColumnFamilyHandle* meta() const { return handles[kFamilies]; }

  // What a failed call means for us. Damage is remembered over a restart.
  Error error(const rocksdb::Status& status) const {
    std::string what = "read models in " + directory + ": " + status.ToString();
    if (status.IsNoSpace()) return {ErrorKind::kUnavailable, what + "; make room on the disk"};
    if (status.IsCorruption() || status.IsPathNotFound()) {
      std::ofstream(directory + kDamagedMark) << status.ToString() << "\n";
      return {ErrorKind::kCorrupt, what + "; rebuild them: tenure projections rebuild"};
    }
    return {ErrorKind::kIo, what};
  }
};

class StoreCursor final : public RowCursor {
 public:
  StoreCursor(std::shared_ptr<const Database> database, rocksdb::ReadOptions options, Family family,
              std::string_view prefix)
      : database_(std::move(database)), prefix_(prefix), end_(end_of_prefix(prefix)) {
    if (!end_.empty()) {
      end_slice_ = slice(end_);
      options.iterate_upper_bound = &end_slice_;
    }
    iterator_.reset(database_->db->NewIterator(options, database_->family(family)));
    iterator_->Seek(slice(prefix_));
  }
  bool valid() const override { return iterator_->Valid(); }
  std::string_view key() const override { return iterator_->key().ToStringView(); }
  RowBytes bytes() const override { return row_bytes(iterator_->value()); }
  void next() override { iterator_->Next(); }
  void seek(std::string_view key) override { iterator_->Seek(slice(key)); }
  Result<void> status() const override {
    if (iterator_->status().ok()) return {};
    return std::unexpected(database_->error(iterator_->status()));
  }

 private:
  std::shared_ptr<const Database> database_;
  std::string prefix_, end_;
  rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

// One moment of the rows, shared by all views of it.
class Moment {
 public:
  // `generation`: of the rows that are kept; none if it is not known.
  Moment(std::shared_ptr<const Database> database, std::optional<uint64_t> generation)
      : database_(std::move(database)),
        generation_(generation),
        snapshot_(database_->db->GetSnapshot()) {}
  ~Moment() { database_->db->ReleaseSnapshot(snapshot_); }
  Moment(const Moment&) = delete;
  Moment& operator=(const Moment&) = delete;

  const std::shared_ptr<const Database>& database() const { return database_; }
  std::optional<uint64_t> generation() const { return generation_; }
  const rocksdb::Snapshot* snapshot() const { return snapshot_; }

 private:
  std::shared_ptr<const Database> database_;
  std::optional<uint64_t> generation_;
  const rocksdb::Snapshot* snapshot_;
};

class StoreView final : public RowView {
 public:
  // `cache`: may be null.
  StoreView(std::shared_ptr<const Moment> moment, std::shared_ptr<RowCache> cache)
      : moment_(std::move(moment)), cache_(moment_->generation() ? std::move(cache) : nullptr) {
    options_.snapshot = moment_->snapshot();
  }

  Result<bool> get(Family family, std::string_view key, Row& row) const override {
    if (cache_ == nullptr || family == Family::kHistory) return get_stored(family, key, row);
    const RowCache::Found found = cache_->find(family, key, *moment_->generation(), row);
    if (found != RowCache::Found::kUnknown) return found == RowCache::Found::kRow;
    const bool exists = TRY(get_stored(family, key, row));
    cache_->keep(family, key, *moment_->generation(),
                 exists ? std::optional(row.bytes()) : std::nullopt);
    return exists;
  }
  std::unique_ptr<RowCursor> scan(Family family, std::string_view prefix) const override {
    return std::make_unique<StoreCursor>(moment_->database(), options_, family, prefix);
  }

 private:
  Result<bool> get_stored(Family family, std::string_view key, Row& row) const {
    const Database& database = *moment_->database();
    rocksdb::PinnableSlice found;
    auto status = database.db->Get(options_, database.family(family), slice(key), &found);
    if (status.IsNotFound()) return false;
    if (!status.ok()) return std::unexpected(database.error(status));
    row.assign(row_bytes(found));
    return true;
  }

  std::shared_ptr<const Moment> moment_;
  std::shared_ptr<RowCache> cache_;
  rocksdb::ReadOptions options_;
};

// The part of a write batch that goes to one family: the calls of an SstFileWriter.
struct FamilyBatch {
  rocksdb::WriteBatch& batch;
  rocksdb::ColumnFamilyHandle* family;
  rocksdb::Status Put(const rocksdb::Slice& key, const rocksdb::Slice& row) {
    return batch.Put(family, key, row);
  }
  rocksdb::Status Delete(const rocksdb::Slice& key) { return batch.Delete(family, key); }
  rocksdb::Status Merge(const rocksdb::Slice& key, const rocksdb::Slice& bytes) {
    return batch.Merge(family, key, bytes);
  }
};

template <class Out>
rocksdb::Status add(Out& out, const RowBatch::Entry& entry) {
  switch (entry.change) {
    case RowBatch::Change::kNone:
      break;
    case RowBatch::Change::kPut:
      return out.Put(slice(entry.key_view()), slice(entry.bytes()));
    case RowBatch::Change::kErase:
      return out.Delete(slice(entry.key_view()));
    case RowBatch::Change::kAppend:
      return out.Merge(slice(entry.key_view()), slice(entry.bytes()));
  }
  return rocksdb::Status::OK();
}

Error open_error(const std::string& directory, const rocksdb::Status& status) {
  std::string text = status.ToString();
  std::string what = "read models in " + directory + ": " + text;
  if (status.IsNoSpace()) return {ErrorKind::kUnavailable, what + "; make room on the disk"};
  if (status.IsIOError() && text.find("/LOCK") != std::string::npos) {
    return {ErrorKind::kConflict, what + "; stop the other process"};
  }
  return {ErrorKind::kCorrupt, what};
}

}  // namespace

using PositionRows = std::map<std::string, std::string>;  // by key

struct Store::Impl {
  StoreOptions options;
  std::shared_ptr<Database> database = std::make_shared<Database>();
  std::shared_ptr<RowCache> cache;

  // What views are made of; by `views_mutex`.
  mutable std::mutex views_mutex;
  mutable std::shared_ptr<const Moment> newest;  // made by the first view since the last write
  uint64_t generation = 0;                       // how many writes there were
  bool writing = false;

  rocksdb::WriteBatch write_batch;
  flatbuffers::FlatBufferBuilder builder;
  SortedChanges merged;  // of several partitions; kept for its memory

  Result<void> done(const rocksdb::Status& status) const {
    if (status.ok()) return {};
    return std::unexpected(database->error(status));
  }
  std::shared_ptr<const Moment> moment() const;
  Result<void> check_format() const;
  Result<void> write(const SortedChanges& changes, const PositionRows& positions);
  Result<void> write_through_memory(const SortedChanges& changes, const PositionRows& positions);
  template <class AddRows>
  Result<rocksdb::IngestExternalFileArg> write_file(rocksdb::ColumnFamilyHandle* family,
                                                    const AddRows& add_rows) const;
  Result<void> write_files(const SortedChanges& changes, const PositionRows& positions);
};

// While rows are written, the views are of the moment before, if there was one; a snapshot taken
// then could be of either.
std::shared_ptr<const Moment> Store::Impl::moment() const {
  const std::lock_guard lock(views_mutex);
  if (newest) return newest;
  auto moment =
      std::make_shared<const Moment>(database, writing ? std::nullopt : std::optional(generation));
  if (!writing) newest = moment;
  return moment;
}

Result<void> Store::Impl::check_format() const {
  const std::string ours = std::to_string(kRowFormat);
  std::string theirs;
  auto status = database->db->Get({}, database->meta(), kFormatKey, &theirs);
  if (status.IsNotFound()) {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    return done(database->db->Put(options, database->meta(), kFormatKey, ours));
  }
  TRY(done(status));
  if (theirs == ours) return {};
  return fail(ErrorKind::kUnsupported, "read models in " + database->directory +
                                           " have row format " + theirs + ", not " + ours);
}

Result<void> Store::Impl::write_through_memory(const SortedChanges& changes,
                                               const PositionRows& positions) {
  write_batch.Clear();
  for (Family family : kAllFamilies) {
    FamilyBatch out{write_batch, database->family(family)};
    TRY(for_each_row(changes.families[static_cast<size_t>(family)],
                     [&](const RowBatch::Entry& row) { return done(add(out, row)); }));
  }
  for (const auto& [key, row] : positions) TRY(done(write_batch.Put(database->meta(), key, row)));
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return done(database->db->Write(options, &write_batch));
}

// `add_rows(writer)`: in the order of keys.
template <class AddRows>
Result<rocksdb::IngestExternalFileArg> Store::Impl::write_file(rocksdb::ColumnFamilyHandle* family,
                                                               const AddRows& add_rows) const {
  // What was just written is read next, by compaction and by who asks: it stays in the page cache.
  constexpr bool kDropFromPageCache = false;
  rocksdb::SstFileWriter out({}, database->db->GetOptions(family), family, kDropFromPageCache);
  const std::string path = database->directory + kIncoming + "/" + family->GetName();
  TRY(done(out.Open(path)));
  TRY(add_rows(out));
  TRY(done(out.Finish()));
  rocksdb::IngestExternalFileArg file;
  file.column_family = family;
  file.external_files = {path};
  file.options.move_files = true;
  file.options.write_global_seqno = false;  // where views are held: not into the file again
  return file;
}

Result<void> Store::Impl::write_files(const SortedChanges& changes, const PositionRows& positions) {
  // Each by a thread of its own: it computes, then it waits for the disk.
  std::vector<std::future<Result<rocksdb::IngestExternalFileArg>>> writing;
  for (Family family : kAllFamilies) {
    const auto& rows = changes.families[static_cast<size_t>(family)];
    if (rows.empty()) continue;
    writing.push_back(std::async(std::launch::async, [this, family, &rows] {
      return write_file(database->family(family), [&](rocksdb::SstFileWriter& out) {
        return for_each_row(rows, [&](const RowBatch::Entry& row) { return done(add(out, row)); });
      });
    }));
  }
  std::vector<rocksdb::IngestExternalFileArg> files;
  files.push_back(
      TRY(write_file(database->meta(), [&](rocksdb::SstFileWriter& out) -> Result<void> {
        for (const auto& [key, row] : positions) TRY(done(out.Put(key, row)));
        return {};
      })));
  for (auto& file : writing) files.push_back(TRY(file.get()));
  return done(database->db->IngestExternalFiles(files));
}

Result<void> Store::Impl::write(const SortedChanges& changes, const PositionRows& positions) {
  {
    const std::lock_guard lock(views_mutex);
    writing = true;
  }
  auto written = changes.size() < options.rows_for_files ? write_through_memory(changes, positions)
                                                         : write_files(changes, positions);
  // After a failure, too: whether the rows are there is not known then.
  const uint64_t next = generation + 1;
  cache->forget(changes, next);
  const std::lock_guard lock(views_mutex);
  writing = false;
  generation = next;
  newest.reset();
  return written;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& directory,
                                           const StoreOptions& options) {
  std::error_code error;
  std::filesystem::remove_all(directory + kIncoming, error);
  std::filesystem::create_directories(directory + kIncoming, error);
  if (error) return fail(ErrorKind::kIo, "cannot make " + directory + ": " + error.message());
  if (std::filesystem::exists(directory + kDamagedMark)) {
    return fail(ErrorKind::kCorrupt, "read models in " + directory + " were found damaged");
  }
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->cache = std::make_shared<RowCache>(options.row_cache_bytes);
  impl->database->directory = directory;
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(store_database_options(), directory, store_families(options),
                                  &impl->database->handles, &db);
  if (!status.ok()) return std::unexpected(open_error(directory, status));
  impl->database->db.reset(db);
  TRY(impl->check_format());
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<std::optional<ProjectorPosition>> Store::position(PartitionId partition) const {
  std::string bytes;
  auto status =
      impl_->database->db->Get({}, impl_->database->meta(), slice(position_key(partition)), &bytes);
  if (status.IsNotFound()) return std::nullopt;
  TRY(impl_->done(status));
  Row row;
  row.assign({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  const auto& stored = row.as<schema::ProjectorPositionRow>();
  return ProjectorPosition{
      .reader = {{stored.next_offset()}, {stored.next_number()}, {stored.stamp()}},
      .last_offset = {stored.last_offset()},
      .last_crc = stored.last_crc(),
      .log_id = stored.log_id() ? stored.log_id()->str() : ""};
}

Result<void> Store::write(std::span<const Part> parts) {
  PositionRows positions;
  for (const Part& part : parts) {
    const ProjectorPosition& position = *part.position;
    flatbuffers::FlatBufferBuilder& builder = impl_->builder;
    builder.Clear();
    builder.Finish(schema::CreateProjectorPositionRowDirect(
        builder, position.reader.next_offset.value, position.reader.next_number.value,
        position.reader.stamp.value, position.last_offset.value, position.last_crc,
        position.log_id.c_str()));
    const auto* row = reinterpret_cast<const char*>(builder.GetBufferPointer());
    positions[position_key(part.partition).str()].assign(row, builder.GetSize());
  }
  const SortedChanges* changes = parts.front().changes;
  if (parts.size() > 1) {
    std::vector<const SortedChanges*> lists;
    for (const Part& part : parts) lists.push_back(part.changes);
    impl_->merged.merge(lists);
    changes = &impl_->merged;
  }
  return impl_->write(*changes, positions);
}

std::unique_ptr<RowView> Store::view() const {
  return std::make_unique<StoreView>(impl_->moment(), impl_->cache);
}

std::unique_ptr<RowView> Store::uncached_view() const {
  return std::make_unique<StoreView>(std::make_shared<const Moment>(impl_->database, std::nullopt),
                                     nullptr);
}

Result<void> Store::flush() {
  return impl_->done(impl_->database->db->Flush(rocksdb::FlushOptions(), impl_->database->handles));
}

Result<void> Store::check() const { return impl_->done(impl_->database->db->VerifyChecksum()); }

}  // namespace tenure
