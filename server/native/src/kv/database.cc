#include "database.h"

#include <utility>

#include "../handle.h"
#include "../pool.h"
#include "scan.h"
#include "status.h"

namespace grape {

class Database::CloseJob final : public Job {
 public:
  explicit CloseJob(std::shared_ptr<Database> database) : database_(std::move(database)) {}

  void Run() override {
    const rocksdb::Status status = database_->Shut();
    if (!status.ok()) Fail(ToFailure(status));
  }
  Napi::Value Result(Napi::Env env) override { return env.Undefined(); }
  void Settled() override {
    // Not run when the JavaScript thread ends: then CloseNow follows.
    if (database_->db_ != nullptr) return;
    database_->state_ = State::kClosed;
    database_->calls_->Unwatch(database_.get());
  }

 private:
  std::shared_ptr<Database> database_;
};

Database::Database(std::unique_ptr<rocksdb::DB> db, Profile profile)
    : db_(std::move(db)), writer_(std::make_unique<Lane>("grape-writer", 1, kWritesQueuedMax)), profile_(profile) {}

rocksdb::Status Database::Open(const OpenOptions& options, std::shared_ptr<Database>* database) {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(ToRocksOptions(options), options.path, &db);
  if (status.ok()) database->reset(new Database(std::unique_ptr<rocksdb::DB>(db), options.profile));
  return status;
}

Napi::Value Database::Handle(Napi::Env env) {
  calls_ = &Calls::Of(env);
  calls_->Watch(this);
  return MakeHandle(env, shared_from_this());
}

Napi::Promise Database::Close(Napi::Env env) {
  state_ = State::kClosing;
  std::unique_ptr<Call> call;
  const Napi::Promise promise = calls_->Prepare(env, std::make_unique<CloseJob>(shared_from_this()), &call);
  CloseWhenIdle(std::move(call));
  return promise;
}

void Database::Collected(Napi::Env) {
  if (state_ != State::kOpen) return;
  state_ = State::kClosing;
  CloseWhenIdle(std::make_unique<Call>(Call{std::make_unique<CloseJob>(shared_from_this()), std::nullopt}));
}

void Database::CloseNow() {
  // The close job that is dropped here may be the last owner.
  const auto self = shared_from_this();
  state_ = State::kClosed;
  // What an application wants to know about closing it learns from close(); here nobody is left to be told.
  Shut().PermitUncheckedError();
  closing_.reset();
}

void Database::CloseWhenIdle(std::unique_ptr<Call> call) {
  if (running_ == 0) {
    calls_->Launch(Pool::Get().Long(), std::move(call));
  } else {
    closing_ = std::move(call);
  }
}

void Database::End() {
  running_ -= 1;
  if (running_ == 0 && closing_ != nullptr) calls_->Launch(Pool::Get().Long(), std::move(closing_));
}

rocksdb::Status Database::Shut() {
  if (db_ == nullptr) return rocksdb::Status::OK();
  writer_.reset();
  for (const auto& scan : scans_) scan->Release();
  scans_.clear();
  const rocksdb::Status status = db_->Close();
  db_.reset();
  return status;
}

bool Database::ReserveWrite(size_t bytes) {
  if (writes_queued_ >= kWritesQueuedMax) return false;
  // A single write of any size has its place in an empty queue.
  if (writes_queued_ > 0 && write_bytes_queued_ + bytes > kWriteBytesQueuedMax) return false;
  writes_queued_ += 1;
  write_bytes_queued_ += bytes;
  return true;
}

void Database::ReleaseWrite(size_t bytes) {
  writes_queued_ -= 1;
  write_bytes_queued_ -= bytes;
}

bool Database::AddScan(const std::shared_ptr<Scan>& scan) {
  if (scans_.size() >= kScansMax) return false;
  scans_.insert(scan);
  return true;
}

void Operation::Check(const rocksdb::Status& status) {
  if (!status.ok()) Fail(ToFailure(status));
}

}  // namespace grape
