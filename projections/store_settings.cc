#include "projections/store_settings.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>

#include "projections/store.h"

namespace tenure {
namespace {

// History chunks grow at their end: the value of a merge is the old bytes, then the new.
class AppendBytes final : public rocksdb::AssociativeMergeOperator {
 public:
  bool Merge(const rocksdb::Slice&, const rocksdb::Slice* existing, const rocksdb::Slice& added,
             std::string* merged, rocksdb::Logger*) const override {
    merged->clear();
    if (existing != nullptr) merged->assign(existing->data(), existing->size());
    merged->append(added.data(), added.size());
    return true;
  }
  const char* Name() const override { return "tenure.append"; }
};

}  // namespace

rocksdb::DBOptions store_database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.atomic_flush = true;
  options.avoid_flush_during_shutdown = true;
  options.allow_concurrent_memtable_write = false;  // one writer, sorted: cheaper without
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1u << 20;  // no burst of writes that the log's syncs would wait behind
  options.max_open_files = -1;        // a missing file shows when opening, not later
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_manifest_file_size = 16u << 20;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> store_families(const StoreOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  table.block_size = 16u << 10;  // README: what it costs and gains
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = options.write_buffer_bytes;
  family.compression = rocksdb::kNoCompression;
  family.level0_file_num_compaction_trigger = 6;       // README: what it costs and gains
  family.level_compaction_dynamic_level_bytes = true;  // few levels to look into
  family.memtable_whole_key_filtering = true;
  family.memtable_prefix_bloom_size_ratio = 0.02;

  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (Family one : kAllFamilies) descriptors.emplace_back(std::string(family_name(one)), family);
  descriptors[static_cast<size_t>(Family::kHistory)].options.merge_operator =
      std::make_shared<AppendBytes>();
  descriptors.emplace_back(rocksdb::kDefaultColumnFamilyName, family);
  return descriptors;
}

}  // namespace tenure
