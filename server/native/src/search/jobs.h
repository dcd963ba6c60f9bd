#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../job.h"
#include "index-handle.h"

namespace grape::search {

/** A job on an index. `Work` may throw `IndexError`. */
class IndexJob : public Job {
 public:
  explicit IndexJob(std::shared_ptr<LiveIndex> live) : live_(std::move(live)) {}
  void Run() final;
  Napi::Value Result(Napi::Env env) override { return env.Undefined(); }

 protected:
  virtual void Work() = 0;
  Index& index() { return live_->index(); }
  LiveIndex& live() { return *live_; }

 private:
  std::shared_ptr<LiveIndex> live_;
};

/** Bytes of a buffer that the job holds. */
struct BatchBytes {
  const uint8_t* data;
  size_t size;
};

class ApplyJob final : public IndexJob {
 public:
  ApplyJob(std::shared_ptr<IndexHandle> handle, BatchBytes batch)
      : IndexJob(handle->index()), handle_(std::move(handle)), batch_(batch) {}
  void Settled() override { handle_->ReleaseApply(batch_.size); }

 protected:
  void Work() override;

 private:
  std::shared_ptr<IndexHandle> handle_;
  const BatchBytes batch_;
};

/** Searches for each of some queries; the hits of one after those of the other, packed as `vector-index-hits.ts` says. */
class SearchJob final : public IndexJob {
 public:
  SearchJob(std::shared_ptr<LiveIndex> live, std::vector<float> queries, SearchOptions options)
      : IndexJob(std::move(live)), queries_(std::move(queries)), options_(std::move(options)) {}
  Napi::Value Result(Napi::Env env) override;

 protected:
  void Work() override;

 private:
  void Pack(const Plan& plan, const std::vector<Hit>& hits);

  const std::vector<float> queries_;
  const SearchOptions options_;
  std::string packed_;
};

/** Resolves to numbers: what was to be found, then what was found with each `ef`. It takes its time. */
class RecallJob final : public IndexJob {
 public:
  RecallJob(std::shared_ptr<LiveIndex> live, RecallSample sample, std::vector<float> queries)
      : IndexJob(std::move(live)), sample_(std::move(sample)), queries_(std::move(queries)) {}
  Napi::Value Result(Napi::Env env) override;

 protected:
  void Work() override;

 private:
  const RecallSample sample_;
  /** Instead of points. */
  const std::vector<float> queries_;
  size_t wanted_ = 0;
  std::vector<size_t> found_;
};

/** Resolves to two numbers: points with values of the type of the index, and with others. */
class FieldCountJob final : public IndexJob {
 public:
  FieldCountJob(std::shared_ptr<LiveIndex> live, uint16_t field, std::vector<uint64_t> shards)
      : IndexJob(std::move(live)), field_(field), shards_(std::move(shards)) {}
  Napi::Value Result(Napi::Env env) override;

 protected:
  void Work() override { counts_ = index().CountField(field_, shards_); }

 private:
  const uint16_t field_;
  const std::vector<uint64_t> shards_;
  FieldCounts counts_{};
};

class SaveJob final : public IndexJob {
 public:
  SaveJob(std::shared_ptr<LiveIndex> live, std::string path, std::string tag)
      : IndexJob(std::move(live)), path_(std::move(path)), tag_(std::move(tag)) {}

 protected:
  void Work() override { index().Save(path_, tag_); }

 private:
  const std::string path_;
  const std::string tag_;
};

/** Resolves to { handle, tag, dimension, metric, m, efConstruction, binaryQuantization }. */
class LoadJob final : public IndexJob {
 public:
  explicit LoadJob(std::string path) : IndexJob(nullptr), path_(std::move(path)) {}
  Napi::Value Result(Napi::Env env) override;

 protected:
  void Work() override;

 private:
  const std::string path_;
  std::shared_ptr<LiveIndex> loaded_;
  std::string tag_;
};

}  // namespace grape::search
