#include "init.h"

#include <rocksdb/statistics.h>

#include <optional>
#include <string>
#include <utility>

#include "../calls.h"
#include "../handle.h"
#include "../pool.h"
#include "operations.h"
#include "status.h"

namespace grape {

namespace {

using Info = const Napi::CallbackInfo&;

Napi::Value Rejected(Napi::Env env, const Failure& failure) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(failure.ToError(env));
  return deferred.Promise();
}

std::string Text(const Napi::Object& from, const char* name) { return from.Get(name).ToString().Utf8Value(); }
bool Flag(const Napi::Object& from, const char* name) { return from.Get(name).ToBoolean().Value(); }
size_t Count(const Napi::Value& value) { return static_cast<size_t>(value.ToNumber().Int64Value()); }

std::optional<std::string> Bytes(const Napi::Value& value) {
  if (!value.IsBuffer()) return std::nullopt;
  const auto buffer = value.As<Napi::Buffer<char>>();
  return std::string(buffer.Data(), buffer.Length());
}

rocksdb::CompressionType Compression(const std::string& name) {
  if (name == "lz4") return rocksdb::kLZ4Compression;
  if (name == "zstd") return rocksdb::kZSTD;
  return rocksdb::kNoCompression;
}

/** The database of the first argument, open; else `*refusal` is what to return. */
std::shared_ptr<Database> OpenDatabase(Info info, Napi::Value* refusal) {
  auto database = FromHandle<Database>(info[0]);
  if (database == nullptr) {
    *refusal = ThrowType(info.Env(), "not a database handle");
  } else if (!database->is_open()) {
    *refusal = Rejected(info.Env(), Closed());
    return nullptr;
  }
  return database;
}

/** kvOpen(path, options): handle */
Napi::Value Open(Info info) {
  if (!info[0].IsString() || !info[1].IsObject()) return ThrowType(info.Env(), "path and options expected");
  const auto given = info[1].As<Napi::Object>();
  OpenOptions options;
  options.path = info[0].As<Napi::String>().Utf8Value();
  options.profile = Text(given, "profile") == "data" ? Profile::kData : Profile::kLog;
  options.create_if_missing = Flag(given, "createIfMissing");
  options.error_if_exists = Flag(given, "errorIfExists");
  options.cache_bytes = Count(given.Get("cacheBytes"));
  options.write_buffer_bytes = Count(given.Get("writeBufferBytes"));
  options.max_open_files = static_cast<int>(Count(given.Get("maxOpenFiles")));
  options.compression = Compression(Text(given, "compression"));
  return Calls::Of(info.Env()).Submit(info.Env(), Pool::Get().Long(), std::make_unique<OpenJob>(std::move(options)));
}

/** kvWrite(handle, packed batch, sync): undefined */
Napi::Value Write(Info info) {
  Napi::Value refusal;
  const auto database = OpenDatabase(info, &refusal);
  if (database == nullptr) return refusal;
  if (!info[1].IsBuffer()) return ThrowType(info.Env(), "a packed batch expected");
  const auto batch = info[1].As<Napi::Buffer<uint8_t>>();
  const HeldBytes bytes{batch.Data(), batch.Length()};
  if (!database->ReserveWrite(bytes.size)) return Rejected(info.Env(), Busy("too many writes are waiting"));
  auto job = std::make_unique<WriteJob>(database, bytes, info[2].ToBoolean().Value());
  job->Hold(info[0].As<Napi::Object>());
  job->Hold(batch);
  return Calls::Of(info.Env()).Submit(info.Env(), database->writer(), std::move(job));
}

/** kvGet(handle, key): Buffer | undefined */
Napi::Value Get(Info info) {
  Napi::Value refusal;
  const auto database = OpenDatabase(info, &refusal);
  if (database == nullptr) return refusal;
  auto key = Bytes(info[1]);
  if (!key) return ThrowType(info.Env(), "a key expected");
  auto job = std::make_unique<GetJob>(database, std::move(*key));
  job->Hold(info[0].As<Napi::Object>());
  return Calls::Of(info.Env()).Submit(info.Env(), Pool::Get().Short(), std::move(job));
}

/** kvMultiGet(handle, packed keys): packed values */
Napi::Value MultiGet(Info info) {
  Napi::Value refusal;
  const auto database = OpenDatabase(info, &refusal);
  if (database == nullptr) return refusal;
  if (!info[1].IsBuffer()) return ThrowType(info.Env(), "packed keys expected");
  const auto keys = info[1].As<Napi::Buffer<uint8_t>>();
  auto job = std::make_unique<MultiGetJob>(database, HeldBytes{keys.Data(), keys.Length()});
  job->Hold(info[0].As<Napi::Object>());
  job->Hold(keys);
  return Calls::Of(info.Env()).Submit(info.Env(), Pool::Get().Short(), std::move(job));
}

/** kvScan(handle, lower | undefined, upper | undefined, reverse, keysOnly): scan handle */
Napi::Value OpenScan(Info info) {
  Napi::Value refusal;
  const auto database = OpenDatabase(info, &refusal);
  if (database == nullptr) return refusal;
  auto scan = std::make_shared<Scan>(database, ScanOptions{Bytes(info[1]), Bytes(info[2]), info[3].ToBoolean(),
                                                           info[4].ToBoolean()});
  if (!database->AddScan(scan)) return Rejected(info.Env(), Busy("too many iterators are open"));
  auto job = std::make_unique<OpenScanJob>(scan);
  job->Hold(info[0].As<Napi::Object>());
  return Calls::Of(info.Env()).Submit(info.Env(), database->writer(), std::move(job));
}

/** The idle scan of the first argument; else `*refusal` is what to return. */
std::shared_ptr<Scan> IdleScan(Info info, Napi::Value* refusal) {
  const auto scan = FromHandle<Scan>(info[0]);
  if (scan == nullptr) {
    *refusal = ThrowType(info.Env(), "not a scan handle");
  } else if (!scan->database()->is_open()) {
    *refusal = Rejected(info.Env(), Closed());
  } else if (scan->busy) {
    *refusal = Rejected(info.Env(), Busy("the iterator is in use"));
  } else {
    return scan;
  }
  return nullptr;
}

/** kvScanNext(scan, entriesMax, bytesMax): { chunk, done } */
Napi::Value NextOfScan(Info info) {
  Napi::Value refusal;
  const auto scan = IdleScan(info, &refusal);
  if (scan == nullptr) return refusal;
  auto job = std::make_unique<NextJob>(scan, ScanLimits{Count(info[1]), Count(info[2])});
  job->Hold(info[0].As<Napi::Object>());
  return Calls::Of(info.Env()).Submit(info.Env(), Pool::Get().Scan(), std::move(job));
}

/** kvScanClose(scan): undefined */
Napi::Value CloseScan(Info info) {
  Napi::Value refusal;
  const auto scan = IdleScan(info, &refusal);
  if (scan == nullptr) return refusal;
  auto job = std::make_unique<ReleaseScanJob>(scan);
  job->Hold(info[0].As<Napi::Object>());
  return Calls::Of(info.Env()).Submit(info.Env(), Pool::Get().Scan(), std::move(job));
}

/** kvFlush(handle): undefined */
Napi::Value Flush(Info info) {
  Napi::Value refusal;
  const auto database = OpenDatabase(info, &refusal);
  if (database == nullptr) return refusal;
  auto job = std::make_unique<FlushJob>(database);
  job->Hold(info[0].As<Napi::Object>());
  return Calls::Of(info.Env()).Submit(info.Env(), Pool::Get().Long(), std::move(job));
}

/** kvCheckpoint(handle, directory): undefined */
Napi::Value Checkpoint(Info info) {
  Napi::Value refusal;
  const auto database = OpenDatabase(info, &refusal);
  if (database == nullptr) return refusal;
  if (!info[1].IsString()) return ThrowType(info.Env(), "a directory expected");
  auto job = std::make_unique<CheckpointJob>(database, info[1].As<Napi::String>().Utf8Value());
  job->Hold(info[0].As<Napi::Object>());
  return Calls::Of(info.Env()).Submit(info.Env(), Pool::Get().Long(), std::move(job));
}

/** kvCacheCounts(handle): [hits, misses] of the block cache since the database was opened; [0, 0] when it is closed. */
Napi::Value CacheCounts(Info info) {
  const auto database = FromHandle<Database>(info[0]);
  if (database == nullptr) return ThrowType(info.Env(), "a database handle expected");
  auto counts = Napi::Array::New(info.Env(), 2);
  const auto count = [&](uint32_t ticker) {
    return database->is_open()
               ? static_cast<double>(database->db().GetDBOptions().statistics->getTickerCount(ticker))
               : 0.0;
  };
  counts.Set(0u, count(rocksdb::BLOCK_CACHE_HIT));
  counts.Set(1u, count(rocksdb::BLOCK_CACHE_MISS));
  return counts;
}

/** kvProperty(handle, name): string | undefined, at once; undefined also when the database is closed. */
Napi::Value Property(Info info) {
  const auto database = FromHandle<Database>(info[0]);
  if (database == nullptr || !info[1].IsString()) return ThrowType(info.Env(), "a database handle and a name expected");
  std::string value;
  if (!database->is_open() || !database->db().GetProperty(info[1].As<Napi::String>().Utf8Value(), &value)) {
    return info.Env().Undefined();
  }
  return Napi::String::New(info.Env(), value);
}

/** kvClose(handle): undefined */
Napi::Value Close(Info info) {
  Napi::Value refusal;
  const auto database = OpenDatabase(info, &refusal);
  return database == nullptr ? refusal : database->Close(info.Env());
}

}  // namespace

void InitKv(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(Info)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("kvOpen", Open);
  add("kvWrite", Write);
  add("kvGet", Get);
  add("kvMultiGet", MultiGet);
  add("kvScan", OpenScan);
  add("kvScanNext", NextOfScan);
  add("kvScanClose", CloseScan);
  add("kvFlush", Flush);
  add("kvCheckpoint", Checkpoint);
  add("kvProperty", Property);
  add("kvCacheCounts", CacheCounts);
  add("kvClose", Close);
}

}  // namespace grape
