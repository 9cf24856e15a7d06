// How RocksDB is set for the read models. Internal to the store (store.cc).
#pragma once

#include <vector>

namespace rocksdb {
struct ColumnFamilyDescriptor;
struct DBOptions;
}  // namespace rocksdb

namespace tenure {

struct StoreOptions;

rocksdb::DBOptions store_database_options();
// Those of kAllFamilies, then the default one.
std::vector<rocksdb::ColumnFamilyDescriptor> store_families(const StoreOptions& options);

}  // namespace tenure
