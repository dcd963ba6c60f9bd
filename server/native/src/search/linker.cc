#include "linker.h"

#include <utility>

#include "failure-code.h"

namespace grape::search {

Linker::Linker(const Coding& coding, GraphOptions options, const SlotStore& slots, Graph* graph)
    : coding_(coding),
      slots_(slots),
      graph_(graph),
      distances_(LinkDistances::Of(coding, slots)),
      hnsw_(static_cast<int>(options.m)) {
  hnsw_.efConstruction = static_cast<int>(options.ef_construction);
  hnsw_.max_level = -1;
  hnsw_.entry_point = -1;
}

Linker::~Linker() {
  for (omp_lock_t& lock : locks_) omp_destroy_lock(&lock);
}

void Linker::Link(size_t count, uint64_t epoch) {
  const size_t first = linked();
  Prepare(first + count);
  hnsw_.prepare_level_tab(count);
  for (size_t slot = first; slot < first + count; ++slot) {
    if (slots_.Code(slot).death.load(std::memory_order_relaxed) > epoch) {
      const uint64_t hash = HashOfCodes(static_cast<uint32_t>(slot));
      if (!HangOnOriginal(static_cast<uint32_t>(slot), hash)) {
        LinkOne(static_cast<uint32_t>(slot));
        originals_.Insert(hash, static_cast<uint32_t>(slot));
      }
    }
    linked_.store(slot + 1, std::memory_order_release);
  }
  CountBytes();
}

void Linker::Prepare(size_t count) {
  graph_->Reserve(count);
  originals_.Reserve(count - linked());
  visited_.visited.resize(count);
  locks_.reserve(count);
  while (locks_.size() < count) {
    locks_.emplace_back();
    omp_init_lock(&locks_.back());
  }
}

uint64_t Linker::HashOfCodes(uint32_t slot) const {
  return originals_.Hash(0, slots_.Code(slot).codes(), coding_.code_bytes());
}

/**
 * Many equal points would link to each other only: a walk that meets one of them would not come out again, and most of
 * them would have no link to them.
 */
bool Linker::HangOnOriginal(uint32_t slot, uint64_t hash) {
  const uint32_t original = originals_.Find(hash, [&](uint32_t other) {
    return coding_.AreAlike(slots_.Code(slot), slots_.Code(other));
  });
  if (original == SlotMap::kNone) return false;
  Hang(slot, original);
  return true;
}

void Linker::Hang(uint32_t slot, uint32_t original) {
  std::atomic<uint32_t>& first = slots_.Code(original).next_duplicate;
  slots_.Code(slot).next_duplicate.store(first.load(std::memory_order_relaxed), std::memory_order_relaxed);
  first.store(slot + 1, std::memory_order_release);
}

void Linker::LinkOne(uint32_t slot) {
  const int level = hnsw_.levels[slot] - 1;
  graph_->AddUpper(slot, level);
  distances_->SetSlot(slot);
  hnsw_.add_with_locks(*distances_, level, static_cast<int>(slot), locks_, visited_);
  // FAISS has changed the lists of the new point and those of the points in them; first the new point's own.
  for (int at = level; at >= 0; --at) PublishList(slot, at);
  for (int at = level; at >= 0; --at) {
    size_t begin;
    size_t end;
    hnsw_.neighbor_range(slot, at, &begin, &end);
    for (size_t i = begin; i < end && hnsw_.neighbors[i] >= 0; ++i) {
      PublishList(static_cast<uint32_t>(hnsw_.neighbors[i]), at);
    }
  }
  if (static_cast<uint32_t>(hnsw_.entry_point) == slot) graph_->SetEntry(slot, level);
}

void Linker::PublishList(uint32_t slot, int level) {
  size_t begin;
  size_t end;
  hnsw_.neighbor_range(slot, level, &begin, &end);
  graph_->Publish(slot, level, hnsw_.neighbors.data() + begin);
}

void Linker::Restore(std::vector<int> levels, std::vector<int32_t> neighbours, int32_t entry_point, int max_level) {
  const size_t count = levels.size();
  Prepare(count);
  hnsw_.levels = std::move(levels);
  const int levels_max = static_cast<int>(hnsw_.cum_nneighbor_per_level.size()) - 1;
  for (const int level : hnsw_.levels) {
    if (level < 1 || level > levels_max) throw Damaged("a level is out of range");
  }
  hnsw_.prepare_level_tab(count, true);
  if (neighbours.size() != hnsw_.neighbors.size()) throw Damaged("the lists do not fit the levels");
  hnsw_.neighbors.assign(neighbours.begin(), neighbours.end());
  hnsw_.entry_point = entry_point;
  hnsw_.max_level = max_level;
  // A new sequence of levels, not the one of the first points again.
  hnsw_.rng = faiss::RandomGenerator(static_cast<int64_t>(12345 + count));
  CheckLists();
  for (size_t slot = 0; slot < count; ++slot) {
    graph_->AddUpper(static_cast<uint32_t>(slot), hnsw_.levels[slot] - 1);
    for (int level = 0; level < hnsw_.levels[slot]; ++level) PublishList(static_cast<uint32_t>(slot), level);
  }
  if (entry_point >= 0) graph_->SetEntry(static_cast<uint32_t>(entry_point), max_level);
  linked_.store(count, std::memory_order_release);
  CountBytes();
}

bool Linker::IsInGraph(uint32_t slot) const {
  return hnsw_.neighbors[hnsw_.offsets[slot]] >= 0 || hnsw_.entry_point == static_cast<int32_t>(slot);
}

std::vector<uint32_t> Linker::Originals(size_t count) const {
  std::vector<uint32_t> originals(count);
  const auto next = [&](uint32_t slot) { return slots_.Code(slot).next_duplicate.load(std::memory_order_relaxed); };
  for (uint32_t slot = 0; slot < count; ++slot) {
    if (!IsInGraph(slot)) continue;
    for (uint32_t at = next(slot); at != 0; at = next(at - 1)) originals[at - 1] = slot + 1;
  }
  return originals;
}

void Linker::RestoreDuplicates(const std::vector<uint32_t>& originals) {
  for (uint32_t slot = 0; slot < originals.size(); ++slot) {
    if (IsInGraph(slot)) {
      if (originals[slot] != 0) throw Damaged("a duplicate is in the graph");
      originals_.Insert(HashOfCodes(slot), slot);
    } else if (originals[slot] != 0) {
      // Chains are made in the order of the slots, and hang on an original: none is a circle.
      if (originals[slot] > slot || !IsInGraph(originals[slot] - 1)) throw Damaged("a duplicate without an original");
      Hang(slot, originals[slot] - 1);
    }
  }
}

/** A list of a level names slots that have this level; the entry point has the highest level. */
void Linker::CheckLists() const {
  const auto count = static_cast<int64_t>(hnsw_.levels.size());
  const int32_t entry = hnsw_.entry_point;
  const bool entry_fits = entry >= 0 && entry < count && hnsw_.levels[entry] == hnsw_.max_level + 1;
  if (!entry_fits && !(entry == -1 && hnsw_.max_level == -1)) throw Damaged("the entry point is out of range");
  for (int64_t slot = 0; slot < count; ++slot) {
    for (int level = 0; level < hnsw_.levels[slot]; ++level) {
      size_t begin;
      size_t end;
      hnsw_.neighbor_range(slot, level, &begin, &end);
      for (size_t i = begin; i < end && hnsw_.neighbors[i] >= 0; ++i) {
        const int32_t other = hnsw_.neighbors[i];
        if (other >= count || hnsw_.levels[other] <= level) throw Damaged("a neighbour is out of range");
      }
    }
  }
}

void Linker::CountBytes() {
  bytes_.store(hnsw_.neighbors.capacity() * sizeof(int32_t) + hnsw_.levels.capacity() * sizeof(int) +
                   hnsw_.offsets.capacity() * sizeof(size_t) + locks_.capacity() * sizeof(omp_lock_t) +
                   visited_.visited.capacity() + originals_.bytes(),
               std::memory_order_relaxed);
}

}  // namespace grape::search
