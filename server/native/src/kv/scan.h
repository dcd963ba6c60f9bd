#pragma once

#include <napi.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>

#include <memory>
#include <optional>
#include <string>

#include "database.h"

namespace grape {

struct ScanOptions {
  /** Inclusive. */
  std::optional<std::string> lower;
  /** Exclusive. */
  std::optional<std::string> upper;
  bool reverse = false;
  bool keys_only = false;
};

struct ScanLimits {
  /** Entries, at least 1. */
  size_t entries = 0;
  /** Keys and values; a chunk ends with the entry that reaches it. */
  size_t bytes = 0;
};

/**
 * A range of keys as of one moment, read in chunks. One operation at a time uses it: `busy` is set, on the JavaScript
 * thread, from the start of that operation until it is settled.
 */
class Scan final : public std::enable_shared_from_this<Scan> {
 public:
  static constexpr napi_type_tag kTag{0x6772617065736331, 0x4c0be3d2a6f84e17};

  Scan(std::shared_ptr<Database> database, ScanOptions options);

  void Collected(Napi::Env env);

  /** Fixes the moment. On the writer's thread: every write called before is in, none called after. */
  void Pin();
  /** Appends `u32 key size, u32 value size, key, value` for each entry; `*done` when nothing follows. */
  rocksdb::Status Next(const ScanLimits& limits, std::string* chunk, bool* done);
  /** Frees the iterator and the moment; may be called again. Not on the JavaScript thread, except while it ends. */
  void Release();

  const std::shared_ptr<Database>& database() const { return database_; }
  bool released() const { return released_; }

  bool busy = false;

 private:
  void Seek();

  std::shared_ptr<Database> database_;
  const ScanOptions options_;
  rocksdb::Slice lower_;
  rocksdb::Slice upper_;
  const rocksdb::Snapshot* snapshot_ = nullptr;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  bool released_ = false;
};

/** A job on a scan; takes a released scan off its database when it is settled. */
class ScanOperation : public Operation {
 public:
  explicit ScanOperation(std::shared_ptr<Scan> scan) : Operation(scan->database()), scan_(std::move(scan)) {
    scan_->busy = true;
  }
  void Settled() override {
    scan_->busy = false;
    if (scan_->released()) database().RemoveScan(scan_);
    Operation::Settled();
  }

 protected:
  Scan& scan() { return *scan_; }
  const std::shared_ptr<Scan>& shared_scan() const { return scan_; }

 private:
  std::shared_ptr<Scan> scan_;
};

class ReleaseScanJob final : public ScanOperation {
 public:
  using ScanOperation::ScanOperation;
  void Run() override { scan().Release(); }
};

}  // namespace grape
