#pragma once

#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/HNSW.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "coding.h"
#include "graph.h"
#include "link-distances.h"
#include "slots.h"

namespace grape::search {

/** What links a graph: out-degree `m` (twice that on the lowest level), candidates when a point is linked. */
struct GraphOptions {
  uint32_t m;
  uint32_t ef_construction;
};

/**
 * Builds the graph (Malkov & Yashunin 2018) with FAISS, point by point in the order of the slots, on code distances, and
 * publishes every changed list for the searches. One thread at a time; its owner locks.
 */
class Linker {
 public:
  Linker(const Coding& coding, GraphOptions options, const SlotStore& slots, Graph* graph);
  ~Linker();
  Linker(const Linker&) = delete;
  Linker& operator=(const Linker&) = delete;

  /** Slots in the graph: 0 to `linked()` - 1. On any thread. */
  size_t linked() const { return linked_.load(std::memory_order_acquire); }

  /** Links the next `count` slots, which are published; those that died up to batch `epoch` stay without neighbours. */
  void Link(size_t count, uint64_t epoch);

  /** FAISS's own state, to be saved. */
  const faiss::HNSW& hnsw() const { return hnsw_; }

  /**
   * Takes over a saved state: levels (counted from 1) and lists of slots 0 to `levels.size()` - 1. Throws
   * `INDEX_DAMAGED` unless the lists make sense.
   */
  void Restore(std::vector<int> levels, std::vector<int32_t> neighbours, int32_t entry_point, int max_level);

  /** For each of the first `count` slots one more than the slot that it hangs on as a duplicate; 0: on none. */
  std::vector<uint32_t> Originals(size_t count) const;
  /** Behind `Restore`; throws `INDEX_DAMAGED`. */
  void RestoreDuplicates(const std::vector<uint32_t>& originals);

  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  void Prepare(size_t count);
  uint64_t HashOfCodes(uint32_t slot) const;
  bool HangOnOriginal(uint32_t slot, uint64_t hash);
  void Hang(uint32_t slot, uint32_t original);
  void LinkOne(uint32_t slot);
  bool IsInGraph(uint32_t slot) const;
  void PublishList(uint32_t slot, int level);
  void CheckLists() const;
  void CountBytes();

  const Coding& coding_;
  const SlotStore& slots_;
  Graph* const graph_;
  const std::unique_ptr<LinkDistances> distances_;
  faiss::HNSW hnsw_;
  faiss::VisitedTable visited_{0};
  /** FAISS asks for them; we link with one thread. */
  std::vector<omp_lock_t> locks_;
  /** The slots in the graph by their codes. */
  SlotMap originals_;
  std::atomic<size_t> linked_{0};
  std::atomic<size_t> bytes_{0};
};

}  // namespace grape::search
