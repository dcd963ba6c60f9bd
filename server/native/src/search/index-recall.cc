#include <random>
#include <unordered_set>

#include "index.h"

namespace grape::search {

namespace {

/** Slots that are looked at for one query: many may be dead, or of other shards. */
constexpr size_t kTriesPerQuery = 64;

}  // namespace

size_t Index::CountFound(const float* query, const RecallSample& sample, uint32_t without,
                         std::vector<size_t>* found) const {
  std::vector<Hit> hits;
  SearchOptions options{sample.k, sample.k, true, sample.shards, without};
  Search(query, options, &hits);
  std::unordered_set<uint32_t> nearest;
  for (const Hit& hit : hits) nearest.insert(hit.slot);
  options.exact = false;
  for (size_t i = 0; i < sample.efs.size(); ++i) {
    options.ef = sample.efs[i];
    Search(query, options, &hits);
    for (const Hit& hit : hits) (*found)[i] += nearest.count(hit.slot);
  }
  return nearest.size();
}

size_t Index::SampleRecall(const RecallSample& sample, std::vector<size_t>* found) const {
  const size_t linked = linker_.linked();
  if (linked < 2) return 0;
  View view;
  See({sample.k, sample.k, true, sample.shards}, &view);
  std::mt19937_64 random(sample.seed);
  size_t wanted = 0;
  for (size_t query = 0, tries = 0; query < sample.queries && tries < kTriesPerQuery * sample.queries; ++tries) {
    const auto slot = static_cast<uint32_t>(random() % linked);
    const CodeRecord& record = slots_.Code(slot);
    // Others hang on it, or all ways begin at it: without it they could not be found.
    const bool is_needed = record.next_duplicate.load() != 0 || slot == graph_.GetEntry().slot;
    if (slot >= view.slots || is_needed || !view.Admits(slot, record)) continue;
    query += 1;
    wanted += CountFound(slots_.Vector(slot), sample, slot, found);
  }
  return wanted;
}

}  // namespace grape::search
