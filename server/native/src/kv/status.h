#pragma once

#include <rocksdb/status.h>

#include <string>

#include "../failure.h"

namespace grape {

/** The failure that a RocksDB status stands for: a `KV_...` code, RocksDB's text and numbers. `status` is not ok. */
Failure ToFailure(const rocksdb::Status& status);

/** A refusal of ours, before RocksDB was asked: nothing has happened, and there are no RocksDB numbers. */
Failure Closed();
Failure Busy(const std::string& why);
Failure InvalidArgument(const std::string& why);

}  // namespace grape
