#include "searcher.h"

#include <algorithm>

namespace grape::search {

namespace {

/** Slots whose codes are compared in one call of a kernel. */
constexpr size_t kScanBlock = 64;
/** A walk that holds more than this many candidates that it may not return, because few near it are admissible, costs
 * more than a scan. */
constexpr size_t kForeignMax = 4096;
/** Slots above the linked ones that a walk may pass through. */
constexpr size_t kPassedThroughMax = 1024;
/**
 * A walk costs as much as a scan of this many slots for each candidate, times the slots that it passes for an admissible
 * one. Measured: 100,000 x 384, 2 to 16 of 16 shards, 32 and 100 candidates.
 */
constexpr size_t kScannedPerCandidate = 32;
/** Candidates at this distance behind the one that is looked at get their lists prefetched when they come in. */
constexpr size_t kListsAhead = 3;

/** Vectors whose memory is asked for ahead of the one that is being scored. */
constexpr size_t kRowsAhead = 4;

void PrefetchVector(const float* vector, size_t dimension) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(vector);
  for (size_t at = 0; at < dimension * sizeof(float); at += 64) __builtin_prefetch(bytes + at);
}

}  // namespace

Scratch& Scratch::OfThread() {
  static thread_local Scratch scratch;
  return scratch;
}

Searcher::Searcher(const Coding& coding, const SlotStore& slots, const Graph& graph, size_t linked, Scratch* scratch)
    : kernels_(BestKernels()),
      metric_(coding.metric()),
      dimension_(coding.dimension()),
      slots_(slots),
      graph_(graph),
      linked_(std::min(linked, scratch->view.slots)),
      scratch_(*scratch),
      view_(scratch->view),
      code_query_(coding) {}

Way Searcher::Search(const float* query, const SearchOptions& options, std::vector<Hit>* hits) {
  hits->clear();
  if (view_.admissible == 0) return Way::kNothing;
  without_ = options.without;
  if (options.exact) {
    ScanExactly(query, options.k, hits);
    return Way::kExact;
  }
  code_query_.SetVector(query);
  scratch_.candidates.clear();
  const size_t wanted = std::min(std::max(options.ef, options.k), view_.admissible);
  const bool walked = !ScanIsBetter(wanted) && Walk(wanted);
  if (walked) {
    ScanCodes(linked_, wanted);
  } else {
    scratch_.candidates.clear();
    ScanCodes(0, wanted);
  }
  Score(query, options.k, hits);
  return walked ? Way::kGraph : Way::kScan;
}

bool Searcher::ScanIsBetter(size_t wanted) const {
  // scan: admissible; walk: wanted * kScannedPerCandidate * slots / admissible.
  return view_.admissible * view_.admissible <= wanted * kScannedPerCandidate * view_.slots;
}

/** Beam search on the lowest level (Malkov & Yashunin 2018, algorithm 2). */
bool Searcher::Walk(size_t wanted) {
  if (graph_.GetEntry().level < 0) return false;
  // Slots that are linked while this search runs are passed through, since links may lead through them now, but not
  // found: those that it must find are in the scan of the others.
  scratch_.met.Clear(linked_ + kPassedThroughMax);
  if (without_ != kNoSlot) scratch_.met.Meet(without_);
  scratch_.candidates.reserve(wanted + kForeignMax + graph_.width(0) + 1);
  Beam beam(&scratch_.candidates, wanted);
  float distance;
  const uint32_t entry = Descend(&distance);
  scratch_.met.Meet(entry);
  Offer(entry, distance, &beam);
  for (size_t next = 0; next < beam.size();) {
    if ((beam[next].slot & kExpanded) != 0) {
      next += 1;
      continue;
    }
    next = Expand(next, &beam);
    if (beam.foreign() > kForeignMax) return false;
  }
  beam.KeepAdmissible();
  // A region that the graph does not lead to must not hide points as long as there is room for them.
  return beam.size() + (view_.slots - linked_) >= wanted;
}

/** Offers the neighbours of the candidate at this position; returns the first position where there is something new. */
size_t Searcher::Expand(size_t position, Beam* beam) {
  (*beam)[position].slot |= kExpanded;
  // Likely to be the one after this.
  if (position + 1 < beam->size()) graph_.Prefetch((*beam)[position + 1].slot & kSlotMask);
  const size_t read = graph_.Read((*beam)[position].slot & kSlotMask, 0, scratch_.neighbours.data());
  size_t count = 0;
  for (size_t i = 0; i < read; ++i) {
    if (scratch_.met.Meet(scratch_.neighbours[i])) scratch_.neighbours[count++] = scratch_.neighbours[i];
  }
  Measure(count);
  size_t first = position + 1;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t slot = scratch_.neighbours[i];
    const float distance = code_query_.Distance(slots_.Code(slot), scratch_.sums[i]);
    if (distance >= beam->bound()) continue;
    const size_t place = Offer(slot, distance, beam);
    if (place <= position + kListsAhead) graph_.Prefetch(slot);
    first = std::min(first, place);
  }
  return first;
}

/** Adds the slot, and those that hang on it as duplicates, as far as they are wanted; returns the slot's position. */
size_t Searcher::Offer(uint32_t slot, float distance, Beam* beam) {
  const CodeRecord& record = slots_.Code(slot);
  const bool admits = slot < linked_ && view_.Admits(slot, record);
  const size_t position = beam->Add({distance, slot | (admits ? kAdmissible : 0)});
  uint32_t next = record.next_duplicate.load(std::memory_order_acquire);
  while (next != 0 && distance < beam->bound()) {
    const uint32_t duplicate = next - 1;
    const CodeRecord& its_record = slots_.Code(duplicate);
    if (duplicate < linked_ && duplicate != without_ && view_.Admits(duplicate, its_record)) {
      beam->Add({distance, duplicate | kAdmissible | kExpanded});
    }
    next = its_record.next_duplicate.load(std::memory_order_acquire);
  }
  return position;
}

/** The nearest slot by greedy descent through the upper levels. */
uint32_t Searcher::Descend(float* distance) {
  const Graph::Entry entry = graph_.GetEntry();
  uint32_t nearest = entry.slot;
  scratch_.neighbours.assign(1, nearest);
  Measure(1);
  *distance = code_query_.Distance(slots_.Code(nearest), scratch_.sums[0]);
  scratch_.neighbours.resize(graph_.width(0));
  for (int level = entry.level; level > 0; --level) {
    for (bool moved = true; moved;) {
      moved = false;
      const size_t count = graph_.Read(nearest, level, scratch_.neighbours.data());
      Measure(count);
      for (size_t i = 0; i < count; ++i) {
        const uint32_t slot = scratch_.neighbours[i];
        const float to_slot = code_query_.Distance(slots_.Code(slot), scratch_.sums[i]);
        if (to_slot >= *distance || slot == without_) continue;
        *distance = to_slot;
        nearest = slot;
        moved = true;
      }
    }
  }
  return nearest;
}

/** Sums of the first `count` neighbours. */
void Searcher::Measure(size_t count) {
  scratch_.records.resize(std::max(scratch_.records.size(), count));
  scratch_.sums.resize(std::max(scratch_.sums.size(), count));
  for (size_t i = 0; i < count; ++i) {
    scratch_.records[i] = slots_.Code(scratch_.neighbours[i]).bytes();
  }
  code_query_.Sums(scratch_.records.data(), count, scratch_.sums.data());
}

/** Offers every admissible slot from `from` on to the `wanted` best candidates, which become a heap. */
void Searcher::ScanCodes(size_t from, size_t wanted) {
  auto& heap = scratch_.candidates;
  std::make_heap(heap.begin(), heap.end(), Nearer());
  scratch_.neighbours.resize(std::max(scratch_.neighbours.size(), kScanBlock + 1));
  size_t count = 0;
  const auto flush = [&] {
    Measure(count);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t slot = scratch_.neighbours[i];
      const CodeRecord& record = slots_.Code(slot);
      const float distance = code_query_.Distance(record, scratch_.sums[i]);
      if (heap.size() == wanted && distance >= heap.front().distance) continue;
      if (slot == without_ || !view_.Alive(record)) continue;
      if (heap.size() == wanted) {
        std::pop_heap(heap.begin(), heap.end(), Nearer());
        heap.pop_back();
      }
      heap.push_back({distance, slot});
      std::push_heap(heap.begin(), heap.end(), Nearer());
    }
    count = 0;
  };
  if (view_.filter != nullptr) {
    view_.filter->ForEach(from, [&](uint32_t slot) {
      if (view_.admitted[slots_.Class(slot)] == 0) return;
      scratch_.neighbours[count++] = slot;
      if (count == kScanBlock) flush();
    });
    return flush();
  }
  for (size_t slot = from; slot < view_.slots;) {
    const uint16_t* const classes = &slots_.Class(slot);
    const size_t end = slot + slots_.ContiguousClasses(slot, view_.slots - slot);
    for (size_t begin = slot; slot < end; ++slot) {
      // Written in any case, counted if admitted: the processor cannot foresee which.
      scratch_.neighbours[count] = static_cast<uint32_t>(slot);
      count += view_.admitted[classes[slot - begin]];
      if (count == kScanBlock) flush();
    }
  }
  flush();
}

/** The exact scores of the candidates, the best `k` of them in order. */
void Searcher::Score(const float* query, size_t k, std::vector<Hit>* hits) {
  auto& candidates = scratch_.candidates;
  const float query_norm = metric_ == Metric::kCosine ? Norm(query, dimension_) : 0;
  scratch_.rows.resize(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) scratch_.rows[i] = slots_.Vector(candidates[i].slot);
  scratch_.row_sums.resize(candidates.size());
  hits->resize(candidates.size());
  for (size_t i = 0; i < std::min(kRowsAhead, candidates.size()); ++i) PrefetchVector(scratch_.rows[i], dimension_);
  const auto sum_rows = metric_ == Metric::kEuclidean ? kernels_.squared_rows : kernels_.dot_rows;
  for (size_t at = 0; at < candidates.size(); at += kRowsAhead) {
    const size_t count = std::min(kRowsAhead, candidates.size() - at);
    for (size_t i = at + kRowsAhead; i < std::min(at + 2 * kRowsAhead, candidates.size()); ++i) {
      PrefetchVector(scratch_.rows[i], dimension_);
    }
    sum_rows(query, &scratch_.rows[at], count, dimension_, &scratch_.row_sums[at]);
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    const uint32_t slot = candidates[i].slot;
    (*hits)[i] = {slot, ScoreOfSum(metric_, scratch_.row_sums[i], query_norm, slots_.Code(slot).norm)};
  }
  const size_t kept = std::min(k, hits->size());
  std::partial_sort(hits->begin(), hits->begin() + static_cast<ptrdiff_t>(kept), hits->end(),
                    [this](const Hit& a, const Hit& b) { return Before(a, b); });
  hits->resize(kept);
}

/** Every admissible vector, in blocks; the best `k` so far are a heap with the worst of them in front. */
void Searcher::ScanExactly(const float* query, size_t k, std::vector<Hit>* hits) {
  const auto before = [this](const Hit& a, const Hit& b) { return Before(a, b); };
  const float query_norm = metric_ == Metric::kCosine ? Norm(query, dimension_) : 0;
  const auto sum_rows = metric_ == Metric::kEuclidean ? kernels_.squared_rows : kernels_.dot_rows;
  scratch_.rows.resize(kScanBlock);
  scratch_.row_sums.resize(kScanBlock);
  scratch_.neighbours.resize(std::max(scratch_.neighbours.size(), kScanBlock + 1));
  size_t count = 0;
  const auto flush = [&] {
    sum_rows(query, scratch_.rows.data(), count, dimension_, scratch_.row_sums.data());
    for (size_t i = 0; i < count; ++i) {
      const uint32_t slot = scratch_.neighbours[i];
      const Hit hit{slot, ScoreOfSum(metric_, scratch_.row_sums[i], query_norm, slots_.Code(slot).norm)};
      if (hits->size() == k) {
        if (!before(hit, hits->front())) continue;
        std::pop_heap(hits->begin(), hits->end(), before);
        hits->pop_back();
      }
      hits->push_back(hit);
      std::push_heap(hits->begin(), hits->end(), before);
    }
    count = 0;
  };
  const auto offer = [&](uint32_t slot) {
    if (view_.admitted[slots_.Class(slot)] == 0 || !view_.Alive(slots_.Code(slot)) || slot == without_) return;
    scratch_.neighbours[count] = slot;
    scratch_.rows[count++] = slots_.Vector(slot);
    if (count == kScanBlock) flush();
  };
  if (view_.filter != nullptr) {
    view_.filter->ForEach(0, offer);
  } else {
    for (size_t slot = 0; slot < view_.slots; ++slot) offer(static_cast<uint32_t>(slot));
  }
  flush();
  std::sort_heap(hits->begin(), hits->end(), before);
}

}  // namespace grape::search
