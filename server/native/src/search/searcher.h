#pragma once

#include <cstdint>
#include <vector>

#include "beam.h"
#include "coding.h"
#include "graph.h"
#include "query.h"
#include "slots.h"

namespace grape::search {

/** Memory of one search, kept by each thread for the next one. */
class Scratch {
 public:
  static Scratch& OfThread();

  View view;

 private:
  friend class Searcher;

  MetSlots met;
  std::vector<Candidate> candidates;
  std::vector<uint32_t> neighbours;
  std::vector<const uint8_t*> records;
  std::vector<int32_t> sums;
  std::vector<const float*> rows;
  std::vector<float> row_sums;
};

/**
 * One search over what a view admits. Approximate: candidates by code distance, from a walk through the graph and a scan
 * of the slots that it does not hold yet, or from a scan of all when that is cheaper; then exact scores of the best
 * candidates. Takes no lock.
 */
class Searcher {
 public:
  Searcher(const Coding& coding, const SlotStore& slots, const Graph& graph, size_t linked, Scratch* scratch);

  /** Best first, equal scores by id; `options.k` at most. The query is finite. */
  Way Search(const float* query, const SearchOptions& options, std::vector<Hit>* hits);

 private:
  void ScanExactly(const float* query, size_t k, std::vector<Hit>* hits);
  /** Whether a scan of codes is cheaper, or surer, than a walk for this many candidates. */
  bool ScanIsBetter(size_t wanted) const;
  /** False: the walk was given up, or found too few. */
  bool Walk(size_t wanted);
  size_t Expand(size_t position, Beam* beam);
  size_t Offer(uint32_t slot, float distance, Beam* beam);
  uint32_t Descend(float* distance);
  void Measure(size_t count);
  void ScanCodes(size_t from, size_t wanted);
  void Score(const float* query, size_t k, std::vector<Hit>* hits);
  void ScoreRows(const float* query, float query_norm, size_t first, size_t count, std::vector<Hit>* hits);

  bool Before(const Hit& a, const Hit& b) const {
    const float left = Badness(metric_, a.score);
    const float right = Badness(metric_, b.score);
    if (left != right) return left < right;
    return IdBefore(slots_.At(a.slot), slots_.At(b.slot));
  }

  const Kernels& kernels_;
  const Metric metric_;
  const size_t dimension_;
  const SlotStore& slots_;
  const Graph& graph_;
  const size_t linked_;
  Scratch& scratch_;
  const View& view_;
  uint32_t without_ = kNoSlot;
  CodeQuery code_query_;
};

}  // namespace grape::search
