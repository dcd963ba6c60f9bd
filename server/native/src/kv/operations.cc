#include "operations.h"

#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "../handle.h"
#include "packed.h"
#include "status.h"

namespace grape {

namespace {

/** From this size on a buffer takes over the string's memory; below, copying is cheaper than its finalizer. */
constexpr size_t kCopiedBytesMax = 64 << 10;

Napi::Value ToBuffer(Napi::Env env, std::string&& bytes) {
  if (bytes.size() <= kCopiedBytesMax) return Napi::Buffer<char>::Copy(env, bytes.data(), bytes.size());
  auto* const owned = new std::string(std::move(bytes));
  return Napi::Buffer<char>::NewOrCopy(
      env, owned->data(), owned->size(), [](Napi::Env, char*, std::string* string) { delete string; }, owned);
}

/** The operation bytes of a packed batch. */
enum class Op : uint8_t { kPut = 1, kDelete = 2, kDeleteRange = 3 };

/** One operation; false when it is malformed. */
bool UnpackOne(PackedReader* packed, rocksdb::WriteBatch* batch, rocksdb::Status* status) {
  uint8_t op;
  rocksdb::Slice key;
  rocksdb::Slice second;
  if (!packed->U8(&op) || !packed->Bytes(&key)) return false;
  switch (static_cast<Op>(op)) {
    case Op::kPut:
      if (!packed->Bytes(&second)) return false;
      *status = batch->Put(key, second);
      return true;
    case Op::kDelete:
      *status = batch->Delete(key);
      return true;
    case Op::kDeleteRange:
      // RocksDB would notice a reversed range only after it has written the batch to its log.
      if (!packed->Bytes(&second) || second.compare(key) < 0) return false;
      *status = batch->DeleteRange(key, second);
      return true;
  }
  return false;
}

rocksdb::Status Unpack(const HeldBytes& bytes, rocksdb::WriteBatch* batch) {
  PackedReader packed(bytes.data, bytes.size);
  rocksdb::Status status;
  while (status.ok() && !packed.empty()) {
    if (!UnpackOne(&packed, batch, &status)) return rocksdb::Status::InvalidArgument("malformed batch");
  }
  return status;
}

/** Poisons the database before its thread can take the next write, also when RocksDB throws. */
struct PoisonUnlessOk {
  Database& database;
  rocksdb::Status status = rocksdb::Status::Incomplete();

  ~PoisonUnlessOk() {
    if (!status.ok()) database.Poison();
  }
};

}  // namespace

void OpenJob::Run() {
  const rocksdb::Status status = Database::Open(options_, &database_);
  if (!status.ok()) Fail(ToFailure(status));
}

void WriteJob::Run() {
  if (database().poisoned()) return Fail({"KV_POISONED", "an earlier write of this database failed"});
  rocksdb::WriteBatch batch(batch_.size);
  const rocksdb::Status unpacked = Unpack(batch_, &batch);
  if (!unpacked.ok()) return Fail(InvalidArgument(unpacked.ToString()));
  rocksdb::WriteOptions write;
  write.sync = sync_;
  write.disableWAL = database().profile() == Profile::kData;
  PoisonUnlessOk guard{database()};
  guard.status = db().Write(write, &batch);
  Check(guard.status);
}

void GetJob::Run() {
  const rocksdb::Status status =
      db().Get(rocksdb::ReadOptions(), db().DefaultColumnFamily(), rocksdb::Slice(key_), &value_);
  found_ = status.ok();
  if (!status.IsNotFound()) Check(status);
}

Napi::Value GetJob::Result(Napi::Env env) {
  if (!found_) return env.Undefined();
  return Napi::Buffer<char>::Copy(env, value_.data(), value_.size());
}

void MultiGetJob::Run() {
  std::vector<rocksdb::Slice> keys;
  PackedReader packed(keys_.data, keys_.size);
  for (rocksdb::Slice key; !packed.empty(); keys.push_back(key)) {
    if (!packed.Bytes(&key)) return Fail(InvalidArgument("malformed keys"));
  }
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db().MultiGet(rocksdb::ReadOptions(), db().DefaultColumnFamily(), keys.size(), keys.data(), values.data(),
                statuses.data());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) {
      AppendU32(&values_, kMissing);
      continue;
    }
    if (!statuses[i].ok()) return Check(statuses[i]);
    AppendU32(&values_, static_cast<uint32_t>(values[i].size()));
    values_.append(values[i].data(), values[i].size());
  }
}

Napi::Value MultiGetJob::Result(Napi::Env env) { return ToBuffer(env, std::move(values_)); }

Napi::Value OpenScanJob::Result(Napi::Env env) { return MakeHandle(env, shared_scan()); }

Napi::Value NextJob::Result(Napi::Env env) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("chunk", ToBuffer(env, std::move(chunk_)));
  result.Set("done", done_);
  return result;
}

void FlushJob::Run() {
  rocksdb::FlushOptions flush;
  flush.wait = true;
  // Slowing writers down is better than refusing to make their writes durable.
  flush.allow_write_stall = true;
  PoisonUnlessOk guard{database()};
  guard.status = db().Flush(flush);
  Check(guard.status);
}

void CheckpointJob::Run() {
  rocksdb::Checkpoint* raw = nullptr;
  const rocksdb::Status created = rocksdb::Checkpoint::Create(&db(), &raw);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  Check(created.ok() ? checkpoint->CreateCheckpoint(directory_) : created);
}

}  // namespace grape
