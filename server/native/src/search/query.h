#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "fields/slot-bits.h"
#include "slots.h"

namespace grape::search {

constexpr uint32_t kNoSlot = ~uint32_t{0};

/** What a search asks for. */
struct SearchOptions {
  /** Results, at least 1. */
  size_t k;
  /** Candidates that a walk through the graph collects; at least k are. */
  size_t ef;
  /** Compare with every vector instead of walking. */
  bool exact;
  /** `SlotClasses::Key` of the (shard, generation) pairs whose slots may be found. */
  std::vector<uint64_t> shards;
  /** The search finds its way as if this slot were not there. */
  uint32_t without = kNoSlot;
  /** Only slots that this expression lets pass (`FieldIndexes::Evaluate`); empty: all. */
  std::vector<uint8_t> filter = {};
};

struct Hit {
  uint32_t slot;
  float score;
};

/** How a search found its candidates, the numbers of `vector-index-hits.ts`. */
enum class Way : uint8_t { kNothing, kGraph, kScan, kExact };

struct Plan {
  Way way = Way::kNothing;
  /** Live points of the shards. */
  size_t points = 0;
  /** Of them, those that the filter may let pass; about so many where they are many. */
  size_t admissible = 0;
};

/** The state that one search sees from its beginning to its end. */
struct View {
  /** Number of the last batch. */
  uint64_t epoch;
  /** Slots that this batch and its predecessors made. */
  size_t slots;
  /** Live slots of the admitted classes. */
  size_t admissible;
  /** By class. */
  std::vector<uint8_t> admitted;
  /** Null: all. */
  std::unique_ptr<SlotBits> filter;

  bool Alive(const CodeRecord& record) const { return record.death.load(std::memory_order_relaxed) > epoch; }
  bool Admits(uint32_t slot, const CodeRecord& record) const {
    return admitted[record.slot_class] != 0 && Alive(record) && (filter == nullptr || filter->Has(slot));
  }
};

}  // namespace grape::search
