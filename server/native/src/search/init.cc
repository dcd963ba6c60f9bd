#include "init.h"

#include <cstring>
#include <string>
#include <utility>

#include "../calls.h"
#include "../handle.h"
#include "../pool.h"
#include "calm.h"
#include "failure-code.h"
#include "jobs.h"

namespace grape {

namespace {

using namespace search;  // This file is the door between JavaScript and that namespace.
using Info = const Napi::CallbackInfo&;

Napi::Value Rejected(Napi::Env env, const Failure& failure) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(failure.ToError(env));
  return deferred.Promise();
}

uint32_t Number(const Napi::Value& value) { return value.ToNumber().Uint32Value(); }

/** The open index of the first argument; else null, and `*refusal` is what to return. */
std::shared_ptr<IndexHandle> OpenIndex(Info info, Napi::Value* refusal) {
  auto handle = FromHandle<IndexHandle>(info[0]);
  if (handle == nullptr) {
    *refusal = ThrowType(info.Env(), "not an index handle");
  } else if (handle->index() == nullptr) {
    *refusal = Rejected(info.Env(), {"INDEX_CLOSED", "the index is closed"});
    return nullptr;
  }
  return handle;
}

Napi::Promise Submit(Info info, Lane& lane, std::unique_ptr<Job> job) {
  return Calls::Of(info.Env()).Submit(info.Env(), lane, std::move(job));
}

/** indexCreate(dimension, metric, m, efConstruction, binaryQuantization): handle, at once */
Napi::Value Create(Info info) {
  const uint32_t metric = Number(info[1]);
  if (metric >= kMetrics) return ThrowType(info.Env(), "an unknown metric");
  const IndexOptions options{Number(info[0]), static_cast<Metric>(metric), {Number(info[2]), Number(info[3])},
                             info[4].ToBoolean() ? CodeKind::kBit : CodeKind::kInt8};
  try {
    auto live = LiveIndex::Make(std::make_unique<Index>(options));
    return MakeHandle(info.Env(), std::make_shared<IndexHandle>(std::move(live)));
  } catch (const std::exception& error) {
    return ThrowType(info.Env(), error.what());
  }
}

/** indexApply(handle, packed batch): undefined */
Napi::Value Apply(Info info) {
  Napi::Value refusal;
  auto handle = OpenIndex(info, &refusal);
  if (handle == nullptr) return refusal;
  if (!info[1].IsBuffer()) return ThrowType(info.Env(), "a packed batch expected");
  const auto batch = info[1].As<Napi::Buffer<uint8_t>>();
  if (!handle->ReserveApply(batch.Length())) {
    return Rejected(info.Env(), {"INDEX_BUSY", "too many batches wait to be applied"});
  }
  auto job = std::make_unique<ApplyJob>(std::move(handle), BatchBytes{batch.Data(), batch.Length()});
  job->Hold(batch);
  return Submit(info, ApplyLane(), std::move(job));
}

/** Pairs of u32: shard, generation. */
std::vector<uint64_t> ShardKeys(const Napi::Uint32Array& pairs) {
  std::vector<uint64_t> keys;
  keys.reserve(pairs.ElementLength() / 2);
  for (size_t i = 0; i + 1 < pairs.ElementLength(); i += 2) {
    keys.push_back(SlotClasses::Key(static_cast<uint16_t>(pairs[i]), pairs[i + 1]));
  }
  return keys;
}

bool IsArray(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

/** indexSearch(handle, queries, k, ef, exact, shards, filter): packed hits */
Napi::Value Search(Info info) {
  Napi::Value refusal;
  const auto handle = OpenIndex(info, &refusal);
  if (handle == nullptr) return refusal;
  if (!IsArray(info[1], napi_float32_array) || !IsArray(info[5], napi_uint32_array)) {
    return ThrowType(info.Env(), "queries and shards expected");
  }
  const auto queries = info[1].As<Napi::Float32Array>();
  SearchOptions options{Number(info[2]), Number(info[3]), info[4].ToBoolean().Value(),
                        ShardKeys(info[5].As<Napi::Uint32Array>())};
  if (info[6].IsBuffer()) {
    const auto filter = info[6].As<Napi::Buffer<uint8_t>>();
    options.filter.assign(filter.Data(), filter.Data() + filter.Length());
  }
  if (queries.ElementLength() % handle->index()->index().options().dimension != 0 || options.k == 0) {
    return ThrowType(info.Env(), "a query has another dimension, or asks for nothing");
  }
  // Copied: the caller may change or transfer the array while the search runs.
  std::vector<float> copy(queries.Data(), queries.Data() + queries.ElementLength());
  return Submit(info, Pool::Get().Short(), std::make_unique<SearchJob>(handle->index(), std::move(copy), options));
}

/** indexRecall(handle, number of points or queries, k, efs, shards, seed): counts */
Napi::Value Recall(Info info) {
  Napi::Value refusal;
  const auto handle = OpenIndex(info, &refusal);
  if (handle == nullptr) return refusal;
  if (!IsArray(info[3], napi_uint32_array) || !IsArray(info[4], napi_uint32_array)) {
    return ThrowType(info.Env(), "numbers of candidates and shards expected");
  }
  const auto efs = info[3].As<Napi::Uint32Array>();
  const bool has_queries = IsArray(info[1], napi_float32_array);
  RecallSample sample{has_queries ? 0 : Number(info[1]), Number(info[2]), {efs.Data(), efs.Data() + efs.ElementLength()},
                      ShardKeys(info[4].As<Napi::Uint32Array>()), Number(info[5])};
  if (sample.k == 0) return ThrowType(info.Env(), "a sample asks for nothing");
  std::vector<float> queries;
  if (has_queries) {
    const auto given = info[1].As<Napi::Float32Array>();
    queries.assign(given.Data(), given.Data() + given.ElementLength());
    if (queries.size() % handle->index()->index().options().dimension != 0) {
      return ThrowType(info.Env(), "a query has another dimension");
    }
  }
  return Submit(info, MeasureLane(),
                std::make_unique<RecallJob>(handle->index(), std::move(sample), std::move(queries)));
}

/** indexFieldCounts(handle, field, shards): counts */
Napi::Value FieldCountsOf(Info info) {
  Napi::Value refusal;
  const auto handle = OpenIndex(info, &refusal);
  if (handle == nullptr) return refusal;
  if (!IsArray(info[2], napi_uint32_array)) return ThrowType(info.Env(), "shards expected");
  auto job = std::make_unique<FieldCountJob>(handle->index(), static_cast<uint16_t>(Number(info[1])),
                                             ShardKeys(info[2].As<Napi::Uint32Array>()));
  return Submit(info, Pool::Get().Short(), std::move(job));
}

/** indexSave(handle, path, tag): undefined */
Napi::Value Save(Info info) {
  Napi::Value refusal;
  const auto handle = OpenIndex(info, &refusal);
  if (handle == nullptr) return refusal;
  if (!info[1].IsString() || !info[2].IsBuffer()) return ThrowType(info.Env(), "a path and a tag expected");
  const auto tag = info[2].As<Napi::Buffer<char>>();
  return Submit(info, Pool::Get().Long(),
                std::make_unique<SaveJob>(handle->index(), info[1].As<Napi::String>().Utf8Value(),
                                          std::string(tag.Data(), tag.Length())));
}

/** indexLoad(path): { handle, tag, dimension, metric, m, efConstruction, binaryQuantization } */
Napi::Value Load(Info info) {
  if (!info[0].IsString()) return ThrowType(info.Env(), "a path expected");
  return Submit(info, Pool::Get().Long(), std::make_unique<LoadJob>(info[0].As<Napi::String>().Utf8Value()));
}

/** indexStats(handle): numbers, at once; undefined when the index is closed */
Napi::Value Stats(Info info) {
  const auto handle = FromHandle<IndexHandle>(info[0]);
  if (handle == nullptr) return ThrowType(info.Env(), "not an index handle");
  if (handle->index() == nullptr) return info.Env().Undefined();
  const IndexStats stats = handle->index()->index().Stats();
  Napi::Object result = Napi::Object::New(info.Env());
  const auto set = [&](const char* name, size_t value) { result.Set(name, static_cast<double>(value)); };
  set("slots", stats.slots);
  set("live", stats.live);
  set("dead", stats.dead);
  set("linked", stats.linked);
  set("unlinked", stats.unlinked);
  set("bytes", stats.bytes);
  set("codeBytes", stats.code_bytes);
  set("originalBytes", stats.original_bytes);
  set("graphBytes", stats.graph_bytes);
  result.Set("linkFailed", stats.link_failed);
  return result;
}

/** indexClose(handle): undefined, at once */
Napi::Value Close(Info info) {
  const auto handle = FromHandle<IndexHandle>(info[0]);
  if (handle == nullptr) return ThrowType(info.Env(), "not an index handle");
  handle->Close();
  return info.Env().Undefined();
}

/** exactScore(metric, a, b): number, at once */
Napi::Value Score(Info info) {
  const uint32_t metric = Number(info[0]);
  if (metric >= kMetrics || !IsArray(info[1], napi_float32_array) || !IsArray(info[2], napi_float32_array)) {
    return ThrowType(info.Env(), "a metric and two vectors expected");
  }
  const auto a = info[1].As<Napi::Float32Array>();
  const auto b = info[2].As<Napi::Float32Array>();
  if (a.ElementLength() != b.ElementLength()) return ThrowType(info.Env(), "two vectors of one dimension expected");
  return Napi::Number::New(info.Env(),
                           ExactScore(static_cast<Metric>(metric), a.Data(), b.Data(), a.ElementLength()));
}

}  // namespace

void InitSearch(Napi::Env env, Napi::Object exports) {
  const auto add = [&](const char* name, Napi::Value (*function)(Info)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("indexCreate", Create);
  add("indexApply", Apply);
  add("indexSearch", Search);
  add("indexRecall", Recall);
  add("indexFieldCounts", FieldCountsOf);
  add("indexSave", Save);
  add("indexLoad", Load);
  add("indexStats", Stats);
  add("indexClose", Close);
  add("exactScore", Score);
}

}  // namespace grape
