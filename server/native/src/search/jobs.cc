#include "jobs.h"

#include "../handle.h"
#include "calm.h"
#include "failure-code.h"

namespace grape::search {

namespace {

template <typename T>
void Append(std::string* to, T value) {
  to->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace

void IndexJob::Run() {
  try {
    Work();
  } catch (const IndexError& error) {
    Fail({error.code(), error.what()});
  }
}

void ApplyJob::Work() {
  index().Apply(batch_.data, batch_.size);
  live().StartLinking();
}

void SearchJob::Work() {
  const size_t dimension = index().options().dimension;
  if (!IsFinite(queries_.data(), queries_.size())) throw InvalidArgument("a query has a number that is not finite");
  std::vector<Hit> hits;
  for (size_t at = 0; at < queries_.size(); at += dimension) {
    Pack(index().Search(queries_.data() + at, options_, &hits), hits);
  }
}

void SearchJob::Pack(const Plan& plan, const std::vector<Hit>& hits) {
  Append(&packed_, static_cast<uint32_t>(hits.size()));
  Append(&packed_, static_cast<uint32_t>(plan.points));
  Append(&packed_, static_cast<uint32_t>(plan.admissible));
  Append(&packed_, static_cast<uint32_t>(plan.way));
  for (const Hit& hit : hits) {
    const Slot& slot = index().SlotOf(hit);
    Append(&packed_, hit.score);
    Append(&packed_, slot.generation);
    Append(&packed_, slot.version.load(std::memory_order_relaxed));
    Append(&packed_, slot.shard);
    Append(&packed_, static_cast<uint16_t>(slot.id_bytes));
    Append(&packed_, static_cast<uint16_t>(slot.is_integer));
    packed_.append(reinterpret_cast<const char*>(slot.id), slot.id_bytes);
  }
}

Napi::Value SearchJob::Result(Napi::Env env) {
  return Napi::Buffer<char>::Copy(env, packed_.data(), packed_.size());
}

void RecallJob::Work() {
  YieldsToOthers();
  const size_t dimension = index().options().dimension;
  found_.assign(sample_.efs.size(), 0);
  if (queries_.empty()) {
    wanted_ = index().SampleRecall(sample_, &found_);
    return;
  }
  for (size_t at = 0; at < queries_.size(); at += dimension) {
    wanted_ += index().CountFound(queries_.data() + at, sample_, kNoSlot, &found_);
  }
}

Napi::Value RecallJob::Result(Napi::Env env) {
  auto counts = Napi::Float64Array::New(env, 1 + found_.size());
  counts[0] = static_cast<double>(wanted_);
  for (size_t i = 0; i < found_.size(); ++i) counts[1 + i] = static_cast<double>(found_[i]);
  return counts;
}

Napi::Value FieldCountJob::Result(Napi::Env env) {
  auto counts = Napi::Float64Array::New(env, 2);
  counts[0] = static_cast<double>(counts_.fitting);
  counts[1] = static_cast<double>(counts_.misfits);
  return counts;
}

void LoadJob::Work() {
  loaded_ = LiveIndex::Make(Index::Load(path_, &tag_));
  loaded_->StartLinking();
}

Napi::Value LoadJob::Result(Napi::Env env) {
  const IndexOptions options = loaded_->index().options();
  Napi::Object result = Napi::Object::New(env);
  result.Set("handle", MakeHandle(env, std::make_shared<IndexHandle>(std::move(loaded_))));
  result.Set("tag", Napi::Buffer<char>::Copy(env, tag_.data(), tag_.size()));
  result.Set("dimension", options.dimension);
  result.Set("metric", static_cast<uint32_t>(options.metric));
  result.Set("m", options.graph.m);
  result.Set("efConstruction", options.graph.ef_construction);
  result.Set("binaryQuantization", options.code == CodeKind::kBit);
  return result;
}

}  // namespace grape::search
