#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace grape::search {

/** A slot and its approximate distance. */
struct Candidate {
  float distance;
  /** Slot number, with flags in the upper two bits. */
  uint32_t slot;
};

struct Nearer {
  bool operator()(const Candidate& a, const Candidate& b) const { return a.distance < b.distance; }
};

/** Its neighbours have been looked at. */
constexpr uint32_t kExpanded = 1u << 31;
/** It may be a result. */
constexpr uint32_t kAdmissible = 1u << 30;
constexpr uint32_t kSlotMask = kAdmissible - 1;

/**
 * The candidates of a walk, sorted by distance: all that are nearer than `bound`, admissible or not, since the way to an
 * admissible slot may lead through others; `bound` is the distance of the `wanted`-th admissible one.
 */
class Beam {
 public:
  /** `candidates` is empty. */
  Beam(std::vector<Candidate>* candidates, size_t wanted) : candidates_(*candidates), wanted_(wanted) {}

  float bound() const { return bound_; }
  size_t size() const { return candidates_.size(); }
  Candidate& operator[](size_t position) { return candidates_[position]; }
  size_t foreign() const { return candidates_.size() - admissible_; }

  /** Adds a candidate nearer than `bound`; returns its position. */
  size_t Add(Candidate candidate) {
    const auto place = std::upper_bound(candidates_.begin(), candidates_.end(), candidate, Nearer());
    const auto position = static_cast<size_t>(place - candidates_.begin());
    candidates_.insert(place, candidate);
    admissible_ += (candidate.slot & kAdmissible) != 0 ? 1 : 0;
    if (admissible_ >= wanted_) Trim();
    return position;
  }

  /** Leaves the admissible candidates, without flags. */
  void KeepAdmissible() {
    const auto foreign = [](const Candidate& candidate) { return (candidate.slot & kAdmissible) == 0; };
    candidates_.erase(std::remove_if(candidates_.begin(), candidates_.end(), foreign), candidates_.end());
    for (Candidate& candidate : candidates_) candidate.slot &= kSlotMask;
  }

 private:
  /** The farthest admissible one may be one too many, and nothing behind the last of the wanted ones is of use. */
  void Trim() {
    DropForeignTail();
    if (admissible_ > wanted_) {
      candidates_.pop_back();
      admissible_ -= 1;
      DropForeignTail();
    }
    bound_ = candidates_.back().distance;
  }

  void DropForeignTail() {
    while ((candidates_.back().slot & kAdmissible) == 0) candidates_.pop_back();
  }

  std::vector<Candidate>& candidates_;
  const size_t wanted_;
  size_t admissible_ = 0;
  float bound_ = std::numeric_limits<float>::infinity();
};

/** A bit for each slot that a walk has met. */
class MetSlots {
 public:
  void Clear(size_t slots) {
    slots_ = slots;
    words_.assign((slots + 63) / 64, 0);
  }

  /** False when it was met before, or is none of the slots. */
  bool Meet(uint32_t slot) {
    if (slot >= slots_) return false;
    uint64_t& word = words_[slot / 64];
    const uint64_t bit = uint64_t{1} << (slot % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    return true;
  }

 private:
  size_t slots_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace grape::search
