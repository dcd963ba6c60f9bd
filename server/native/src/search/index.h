#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "batch.h"
#include "fields/field-index.h"
#include "coding.h"
#include "graph.h"
#include "index-file.h"
#include "linker.h"
#include "query.h"
#include "searcher.h"
#include "slots.h"

namespace grape::search {

constexpr uint32_t kDimensionMax = 4'096;
constexpr uint32_t kMMin = 2;
constexpr uint32_t kMMax = 128;
constexpr uint32_t kEfConstructionMax = 4'096;

struct IndexOptions {
  uint32_t dimension;
  Metric metric;
  GraphOptions graph;
  CodeKind code = CodeKind::kInt8;
  /** Of the rotation before bits are taken. Kept in files, so that another one may be the default later. */
  uint64_t rotation_seed = 0x67726170652d3162;
};

struct RecallSample {
  size_t queries;
  size_t k;
  std::vector<size_t> efs;
  /** As in `SearchOptions`. */
  std::vector<uint64_t> shards;
  uint64_t seed;
};

struct IndexStats {
  size_t slots;
  size_t live;
  size_t dead;
  size_t linked;
  size_t unlinked;
  size_t bytes;
  /** Of `bytes`: what walks compare, what results are scored with, the graph with FAISS's own copy of it. */
  size_t code_bytes;
  size_t original_bytes;
  size_t graph_bytes;
  /** Linking has failed for want of memory and will not go on; searches scan what is not linked. */
  bool link_failed;
};

/**
 * The vectors of one collection on one node, all its shards in one graph. Safe to use from any number of threads:
 *
 * - A batch of changes is seen by searches as a whole or not at all. Slots are only added; a removed one gets the number
 *   of the batch that removed it, so that searches under way go on as they began.
 * - New slots are found by a scan until the linker has put them into the graph. A search takes no lock that adding or
 *   linking holds for longer than it takes to set a few numbers.
 */
class Index {
 public:
  explicit Index(const IndexOptions& options);

  const IndexOptions& options() const { return options_; }

  /** Applies a packed batch (`BatchReader`); throws `IndexError` and has changed nothing then. */
  void Apply(const uint8_t* batch, size_t size);

  /** Best first. The query is finite and `options.k` at least 1. */
  Plan Search(const float* query, const SearchOptions& options, std::vector<Hit>* hits) const;

  /**
   * Adds to `found[i]` how many of the `k` points nearest to the query, but for the slot `without`, a search with `efs[i]` finds;
   * returns how many there were to be found.
   */
  size_t CountFound(const float* query, const RecallSample& sample, uint32_t without, std::vector<size_t>* found) const;

  /**
   * Takes points of the graph as queries, each as if it were not in the index: points that a search is measured with must not
   * be at home in the graph. Counts as `CountFound`.
   */
  size_t SampleRecall(const RecallSample& sample, std::vector<size_t>* found) const;

  /** Live points of the shards with values in a field. */
  FieldCounts CountField(uint16_t field, const std::vector<uint64_t>& shards) const;

  /** The point of a hit; valid as long as the index. */
  const Slot& SlotOf(const Hit& hit) const { return slots_.At(hit.slot); }

  /** Links up to `count` slots; returns how many it linked: none also while the graph is being saved. */
  size_t Link(size_t count);
  size_t Unlinked() const;
  bool CanLink() const { return !link_failed_.load() && Unlinked() > 0; }

  IndexStats Stats() const;

  /**
   * Writes the file of `index-file.h` as of some moment of the call, with the caller's `tag`, and puts it at `path` when
   * it is on disk. Other calls go on meanwhile.
   */
  void Save(const std::string& path, const std::string& tag) const;
  /** Throws `INDEX_NOT_FOUND`, `INDEX_IO_ERROR`, or `INDEX_DAMAGED` when the file is not as it was written. */
  static std::unique_ptr<Index> Load(const std::string& path, std::string* tag);

 private:
  struct Needs {
    size_t upserts = 0;
    size_t id_bytes = 0;
  };

  Needs Check(const uint8_t* batch, size_t size);
  void Reserve(const Needs& needs);
  void Upsert(const ChangeRecord& change);
  void Remove(const ChangeRecord& change);
  void DropShard(uint16_t shard);
  uint32_t Find(uint64_t hash, const ChangeRecord& change) const;
  void Append(const ChangeRecord& change);
  uint16_t ClassOf(const ChangeRecord& change);
  void Kill(uint32_t slot);
  void Publish();
  void SetValues(const ChangeRecord& change);
  void See(const SearchOptions& options, View* view) const;
  size_t CountAdmissible(const View& view) const;

  void RestoreSlots(const std::vector<SlotRecord>& records, const std::vector<uint8_t>& ids);
  void RestoreSlot(const SlotRecord& record, const uint8_t* id);

  const IndexOptions options_;
  const Coding coding_;
  SlotStore slots_;
  Graph graph_;
  Linker linker_;

  /** Held while a batch is applied. */
  std::mutex apply_mutex_;
  ByteArena ids_;
  FieldIndexes fields_;
  SlotMap map_;
  /** Slots with those of the batch that is being applied. */
  size_t slots_written_ = 0;
  /** What the batch changes in the numbers of live slots, by class. */
  std::vector<int64_t> live_changes_;
  /** The class of the last change: most changes of a batch are of one shard. */
  uint64_t last_class_key_ = ~uint64_t{0};
  uint16_t last_class_ = 0;

  /** Held while points are linked, and while the graph is saved. */
  mutable std::mutex link_mutex_;
  /** Linking has failed half-way: what FAISS holds may contradict itself. Set under the mutex. */
  std::atomic<bool> link_failed_{false};

  /** Held for as long as it takes to read or set the numbers below; never by the linker, which may be held up. */
  mutable std::mutex state_mutex_;
  SlotClasses classes_;
  size_t live_ = 0;
  size_t map_bytes_ = 0;
  /** Number of the last batch, and the slots that searches may see. Set under the mutex, read by the linker without. */
  std::atomic<uint64_t> epoch_{1};
  std::atomic<size_t> slots_published_{0};
};

}  // namespace grape::search
