#include "projections/snapshot.h"

#include <algorithm>

#include "projections/key_layout.h"
#include "schemas/rows_generated.h"

namespace tenure {
namespace {

// Chunks keep single values small enough for the store.
constexpr size_t kChunkBytes = 256u << 10;

class ChunkWriter {
 public:
  ChunkWriter(RowBatch& rows, const SnapshotPoint& point) : rows_(rows), point_(point) {}

  void add(Family family, std::string_view key, RowBytes row) {
    auto key_bytes =
        builder_.CreateVector(reinterpret_cast<const uint8_t*>(key.data()), key.size());
    auto row_bytes = builder_.CreateVector(row.data(), row.size());
    entries_.push_back(
        schema::CreateSnapshotEntry(builder_, static_cast<uint8_t>(family), key_bytes, row_bytes));
    if (builder_.GetSize() >= kChunkBytes) finish_chunk();
  }
  uint32_t finish() {
    if (!entries_.empty()) finish_chunk();
    return chunks_;
  }

 private:
  void finish_chunk() {
    builder_.Finish(schema::CreateSnapshotChunk(builder_, builder_.CreateVector(entries_)));
    rows_.put(Family::kHistory, snapshot_chunk_key(point_.org, point_.version, chunks_++),
              builder_);
    builder_.Clear();
    entries_.clear();
  }

  RowBatch& rows_;
  const SnapshotPoint& point_;
  flatbuffers::FlatBufferBuilder builder_;
  std::vector<flatbuffers::Offset<schema::SnapshotEntry>> entries_;
  uint32_t chunks_ = 0;
};

}  // namespace

bool snapshot_may_be_due(uint64_t version) { return version % kSnapshotInterval == 0; }

Result<void> snapshot_if_due(RowBatch& rows, const RowView& base, const SnapshotPoint& point) {
  if (!snapshot_may_be_due(point.version)) return {};
  if (const auto* last =
          rows.get<schema::SnapshotRow>(Family::kHistory, latest_snapshot_key(point.org))) {
    if (point.version < last->version() + last->rows()) return {};
  }
  Keys keys(point.org);
  MemoryRows now;
  TRY(now.copy_from(base, kStateFamilies, keys.organization()));
  std::vector<const RowBatch::Entry*> changes;
  rows.changes(changes);
  for (const RowBatch::Entry* change : changes) {
    bool in_range = change->key_view().starts_with(keys.organization());
    if (in_range && change->family != Family::kHistory) now.apply(*change);
  }

  ChunkWriter writer(rows, point);
  for (Family family : kStateFamilies) {
    for (const auto& [key, row] : now.family(family)) writer.add(family, key, row);
  }
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(schema::CreateSnapshotRow(builder, point.version, point.number, point.time,
                                           now.size(), writer.finish()));
  rows.put(Family::kHistory, snapshot_key(point.org, point.version), builder);
  rows.put(Family::kHistory, latest_snapshot_key(point.org), builder);
  return {};
}

Result<std::optional<LoadedSnapshot>> load_snapshot(const RowView& view, std::string_view org,
                                                    std::optional<uint64_t> version,
                                                    std::optional<Time> time, MemoryRows& rows) {
  auto heads = view.scan(Family::kHistory, snapshots_key(org));
  if (version) heads->seek(snapshot_key(org, *version));
  Row head;
  for (;; heads->next()) {
    if (!heads->valid()) {
      TRY(heads->status());
      return std::nullopt;
    }
    head.assign(heads->bytes());
    if (!time || head.as<schema::SnapshotRow>().time() <= to_micros(*time)) break;
  }
  const auto& snapshot = head.as<schema::SnapshotRow>();
  Row chunk;
  for (uint32_t piece = 0; piece < snapshot.chunks(); ++piece) {
    if (!TRY(view.get(Family::kHistory, snapshot_chunk_key(org, snapshot.version(), piece),
                      chunk))) {
      return fail(ErrorKind::kCorrupt,
                  "a snapshot of " + std::string(org) + " lacks a piece; rebuild the read models");
    }
    for (const schema::SnapshotEntry* entry : *chunk.as<schema::SnapshotChunk>().entries()) {
      std::string_view key(reinterpret_cast<const char*>(entry->key()->data()),
                           entry->key()->size());
      rows.put(static_cast<Family>(entry->family()), key,
               RowBytes(entry->row()->data(), entry->row()->size()));
    }
  }
  return LoadedSnapshot{snapshot.version(), snapshot.number(), snapshot.time()};
}

}  // namespace tenure
