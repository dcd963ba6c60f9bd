#pragma once

#include <cmath>
#include <cstddef>

namespace grape {

constexpr size_t kLanes = 16;

/** The elements after the last whole block of 16, then the fixed tree. Inlined into callers that have FMA. */
template <typename Step>
inline __attribute__((always_inline)) float FinishLanes(float* lanes, size_t from, size_t n, Step step) {
  for (size_t i = from; i < n; i++) lanes[i - from] = step(i, lanes[i - from]);
  for (size_t width = kLanes / 2; width > 0; width /= 2) {
    for (size_t j = 0; j < width; j++) lanes[j] = lanes[j] + lanes[j + width];
  }
  return lanes[0];
}

}  // namespace grape
