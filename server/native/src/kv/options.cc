#include "options.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>

namespace grape {

namespace {

constexpr size_t kBlockBytes = 16 << 10;
constexpr double kBloomBitsPerKey = 10;
constexpr size_t kBytesPerSync = 1 << 20;
constexpr size_t kInfoLogBytes = 4 << 20;
constexpr size_t kInfoLogsKept = 4;
/** One memtable is filled while another is flushed. */
constexpr int kMemtables = 2;

rocksdb::BlockBasedTableOptions TableOptions(const OpenOptions& open) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(open.cache_bytes);
  // Everything that is read counts towards the cache, so that memory has one bound.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.block_size = kBlockBytes;
  if (open.profile == Profile::kData) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  return table;
}

}  // namespace

rocksdb::Options ToRocksOptions(const OpenOptions& open) {
  rocksdb::Options options;
  options.create_if_missing = open.create_if_missing;
  options.error_if_exists = open.error_if_exists;
  options.write_buffer_size = open.write_buffer_bytes / kMemtables;
  options.max_write_buffer_number = kMemtables;
  options.max_open_files = open.max_open_files;
  options.compression = open.compression;
  options.level_compaction_dynamic_level_bytes = true;
  options.bytes_per_sync = kBytesPerSync;
  options.max_log_file_size = kInfoLogBytes;
  options.keep_log_file_num = kInfoLogsKept;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(open)));

  // Counters only: timers and histograms would cost every call two clock readings.
  options.statistics = rocksdb::CreateDBStatistics();
  options.statistics->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);

  // Without paranoid checks RocksDB goes on after a failed log append and ignores a hole in the log when it opens:
  // acknowledged writes are then gone without an error.
  options.paranoid_checks = true;
  // A handle that failed stays failed: it is closed and opened again, and what is there is verified.
  options.max_bgerror_resume_count = 0;
  if (open.profile == Profile::kLog) {
    // A torn last record was never acknowledged; anything else that is wrong is corruption.
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    // A recycled file holds old records behind the tail, which cannot be told from a hole.
    options.recycle_log_file_num = 0;
    options.track_and_verify_wals_in_manifest = true;
  }
  return options;
}

}  // namespace grape
