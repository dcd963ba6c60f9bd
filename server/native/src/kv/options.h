#pragma once

#include <rocksdb/options.h>

#include <cstdint>
#include <string>

namespace grape {

/**
 * `kLog`: every byte that was acknowledged must come back: a write-ahead log that is verified, and synced on demand.
 * `kData`: a cache of what the Raft log says: no write-ahead log, durable is what a completed flush covers.
 */
enum class Profile { kLog, kData };

struct OpenOptions {
  std::string path;
  Profile profile = Profile::kLog;
  bool create_if_missing = true;
  bool error_if_exists = false;
  /** Block cache of this database, index and filter blocks included. */
  size_t cache_bytes = 0;
  /** All memtables together. */
  size_t write_buffer_bytes = 0;
  int max_open_files = 0;
  rocksdb::CompressionType compression = rocksdb::kNoCompression;
};

rocksdb::Options ToRocksOptions(const OpenOptions& open);

}  // namespace grape
