#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grape::search {

/**
 * A random rotation that takes n log n steps: thrice random signs, then a Walsh-Hadamard transform. It spreads what a
 * vector has in a few outlying dimensions over all of them, so that one bit per element says equally much (Gao & Long
 * 2024; Yu et al. 2016 for the form). The same for the same width and seed on every machine, but for the last bits.
 */
class Rotation {
 public:
  /** A power of two at least as large as the dimension, and as the elements that a cache line of bits holds. */
  static size_t WidthOf(size_t dimension);

  Rotation(size_t dimension, uint64_t seed);

  size_t width() const { return width_; }

  /** `vector` has the dimension, `rotated` room for `width()`. Lengths and angles stay. Elements are at most 1. */
  void Apply(const float* vector, float* rotated) const;

 private:
  const size_t dimension_;
  const size_t width_;
  /** 1 or -1, `width_` for each round. */
  std::vector<float> signs_;
};

}  // namespace grape::search
