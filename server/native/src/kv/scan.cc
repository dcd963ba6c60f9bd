#include "scan.h"

#include <utility>

#include "../pool.h"
#include "packed.h"

namespace grape {

Scan::Scan(std::shared_ptr<Database> database, ScanOptions options)
    : database_(std::move(database)), options_(std::move(options)) {
  if (options_.lower) lower_ = *options_.lower;
  if (options_.upper) upper_ = *options_.upper;
}

void Scan::Collected(Napi::Env env) {
  // A closing database releases its scans itself, maybe just now on another thread: look at nothing else before.
  if (!database_->is_open() || released_) return;
  Calls::Of(env).SubmitDetached(Pool::Get().Scan(), std::make_unique<ReleaseScanJob>(shared_from_this()));
}

void Scan::Pin() { snapshot_ = database_->db().GetSnapshot(); }

rocksdb::Status Scan::Next(const ScanLimits& limits, std::string* chunk, bool* done) {
  *done = released_;
  if (released_) return rocksdb::Status::OK();
  if (iterator_ == nullptr) Seek();
  for (size_t entries = 0; iterator_->Valid() && entries < limits.entries && chunk->size() < limits.bytes; ++entries) {
    const rocksdb::Slice key = iterator_->key();
    const rocksdb::Slice value = options_.keys_only ? rocksdb::Slice() : iterator_->value();
    AppendU32(chunk, static_cast<uint32_t>(key.size()));
    AppendU32(chunk, static_cast<uint32_t>(value.size()));
    chunk->append(key.data(), key.size());
    chunk->append(value.data(), value.size());
    options_.reverse ? iterator_->Prev() : iterator_->Next();
  }
  if (iterator_->Valid()) return rocksdb::Status::OK();
  const rocksdb::Status status = iterator_->status();
  *done = status.ok();
  if (status.ok()) Release();
  return status;
}

void Scan::Release() {
  if (released_) return;
  released_ = true;
  iterator_.reset();
  if (snapshot_ != nullptr) database_->db().ReleaseSnapshot(snapshot_);
  snapshot_ = nullptr;
}

void Scan::Seek() {
  rocksdb::ReadOptions read;
  read.snapshot = snapshot_;
  if (options_.lower) read.iterate_lower_bound = &lower_;
  if (options_.upper) read.iterate_upper_bound = &upper_;
  // A scan reads most blocks once: they must not push out those that look-ups need.
  read.fill_cache = false;
  read.background_purge_on_iterator_cleanup = true;
  iterator_.reset(database_->db().NewIterator(read));
  options_.reverse ? iterator_->SeekToLast() : iterator_->SeekToFirst();
}

}  // namespace grape
