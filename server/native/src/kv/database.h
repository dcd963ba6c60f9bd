#pragma once

#include <napi.h>
#include <rocksdb/db.h>

#include <atomic>
#include <memory>
#include <string>
#include <unordered_set>

#include "../calls.h"
#include "../job.h"
#include "../lane.h"
#include "options.h"

namespace grape {

class Scan;

/** Writes that wait for the thread of their database, in calls and in bytes; over it a write fails with `KV_BUSY`. */
constexpr size_t kWritesQueuedMax = 4'096;
constexpr size_t kWriteBytesQueuedMax = 256u << 20;
/** Open iterators of one database; over it opening one fails with `KV_BUSY`. */
constexpr size_t kScansMax = 4'096;

/**
 * An open RocksDB. Counts the operations that use it, so that closing waits for them. Unless said otherwise the methods
 * are for the JavaScript thread that opened it.
 */
class Database final : public Closable, public std::enable_shared_from_this<Database> {
 public:
  static constexpr napi_type_tag kTag{0x6772617065646231, 0x9d1f3f0a5b7e4c21};

  /** On any thread; sets `*database` when the status is ok. */
  static rocksdb::Status Open(const OpenOptions& options, std::shared_ptr<Database>* database);

  /** The handle that JavaScript gets. */
  Napi::Value Handle(Napi::Env env);

  bool is_open() const { return state_ == State::kOpen; }

  /** Waits for the running operations, closes on the long lane; later operations are refused from now on. */
  Napi::Promise Close(Napi::Env env);
  void Collected(Napi::Env env);
  void CloseNow() override;

  /** Bracket every operation; see `Operation`. */
  void Begin() { running_ += 1; }
  void End();

  /** False when the queue has no room for another write of this many bytes. */
  bool ReserveWrite(size_t bytes);
  void ReleaseWrite(size_t bytes);

  /** False over `kScansMax`. */
  bool AddScan(const std::shared_ptr<Scan>& scan);
  void RemoveScan(const std::shared_ptr<Scan>& scan) { scans_.erase(scan); }

  /** On any thread, within an operation. */
  rocksdb::DB& db() { return *db_; }
  /** One thread, so that writes take place in the order of their calls and a slow disk holds up nothing else. */
  Lane& writer() { return *writer_; }
  Profile profile() const { return profile_; }

  /**
   * After a failed write or flush no later write of this handle is tried: what RocksDB would make of it after an error
   * is nothing that may be acknowledged. On any thread, within an operation.
   */
  bool poisoned() const { return poisoned_.load(); }
  void Poison() { poisoned_.store(true); }

 private:
  enum class State { kOpen, kClosing, kClosed };
  class CloseJob;

  Database(std::unique_ptr<rocksdb::DB> db, Profile profile);
  /** On any one thread, when nothing uses the database any more. */
  rocksdb::Status Shut();
  void CloseWhenIdle(std::unique_ptr<Call> call);

  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<Lane> writer_;
  const Profile profile_;
  std::atomic<bool> poisoned_{false};
  Calls* calls_ = nullptr;
  State state_ = State::kOpen;
  size_t running_ = 0;
  size_t writes_queued_ = 0;
  size_t write_bytes_queued_ = 0;
  /** Waits for `running_` to become 0. */
  std::unique_ptr<Call> closing_;
  std::unordered_set<std::shared_ptr<Scan>> scans_;
};

/** A job that uses a database: keeps it open, and its handle uncollected, until the job is settled. */
class Operation : public Job {
 public:
  explicit Operation(std::shared_ptr<Database> database) : database_(std::move(database)) { database_->Begin(); }
  void Settled() override { database_->End(); }
  Napi::Value Result(Napi::Env env) override { return env.Undefined(); }

 protected:
  Database& database() { return *database_; }
  rocksdb::DB& db() { return database_->db(); }
  /** Fails the job unless the status is ok. */
  void Check(const rocksdb::Status& status);

 private:
  std::shared_ptr<Database> database_;
};

}  // namespace grape
