#pragma once

#include <atomic>
#include <cstdint>

#include "kernels.h"

namespace grape::search {

/** Never killed. */
constexpr uint64_t kAlive = ~uint64_t{0};

/**
 * What a walk through the graph reads of a slot, in whole cache lines: this header and the codes behind it (`Coding`).
 */
struct alignas(64) CodeRecord {
  /** What a product of codes counts; under cosine divided by the vector's length. */
  float scale;
  /** Under euclidean the squared length of what the codes stand for, else 0. */
  float offset;
  /** Of the signed codes; 0 with bits. */
  int32_t sum;
  /** (shard, generation), numbered by `Slots`. */
  uint16_t slot_class;
  /** Under cosine sqrt(dot(v, v)) in float32. Else with bits about that, with int8 codes 0. */
  float norm;
  /** Number of the batch that removed the slot; `kAlive` before. */
  std::atomic<uint64_t> death;
  /**
   * Slots that are alike (`Coding::AreAlike`) are not linked: they hang on the first of them. One more than the number of
   * the next such slot; 0: none.
   */
  std::atomic<uint32_t> next_duplicate;

  const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(this); }
  const uint8_t* codes() const { return bytes() + kCodeHeaderBytes; }
  uint8_t* codes() { return reinterpret_cast<uint8_t*>(this) + kCodeHeaderBytes; }
};

static_assert(sizeof(CodeRecord) == kCodeHeaderBytes, "kernels skip the header");

}  // namespace grape::search
