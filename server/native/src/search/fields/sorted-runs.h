#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace grape::search {

/**
 * Entries ordered by `Entry::key`, added in any order, found by range: sorted runs of growing size and a short unsorted tail
 * (a log-structured merge tree in memory; O'Neil et al. 1996). Adding n entries costs O(n log n) in all.
 */
template <typename Entry>
class SortedRuns {
 public:
  void Add(Entry entry) {
    tail_.push_back(entry);
    if (tail_.size() < kTailMax) return;
    std::vector<Entry> run;
    run.swap(tail_);
    std::sort(run.begin(), run.end(), Before());
    while (!runs_.empty() && runs_.back().size() < 2 * run.size()) {
      std::vector<Entry> merged;
      merged.reserve(run.size() + runs_.back().size());
      std::merge(runs_.back().begin(), runs_.back().end(), run.begin(), run.end(), std::back_inserter(merged), Before());
      runs_.pop_back();
      run.swap(merged);
    }
    runs_.push_back(std::move(run));
  }

  /** Calls `visit` with every entry whose key is from `low` to `high`, both included; in no order. */
  template <typename Visit>
  void ForRange(double low, double high, Visit visit) const {
    for (const std::vector<Entry>& run : runs_) {
      const auto from = std::lower_bound(run.begin(), run.end(), low, [](const Entry& e, double key) { return e.key < key; });
      for (auto entry = from; entry != run.end() && entry->key <= high; ++entry) visit(*entry);
    }
    for (const Entry& entry : tail_) {
      if (entry.key >= low && entry.key <= high) visit(entry);
    }
  }

  size_t bytes() const {
    size_t entries = tail_.capacity();
    for (const std::vector<Entry>& run : runs_) entries += run.capacity();
    return entries * sizeof(Entry);
  }

 private:
  struct Before {
    bool operator()(const Entry& a, const Entry& b) const { return a.key < b.key; }
  };
  static constexpr size_t kTailMax = 512;

  /** Each at least twice as long as the one after it. */
  std::vector<std::vector<Entry>> runs_;
  std::vector<Entry> tail_;
};

}  // namespace grape::search
