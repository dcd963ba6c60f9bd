#pragma once

#include <cstddef>

namespace grape::search {

constexpr size_t kLanes = 16;

/** The lanes of a float sum; see `Kernels`. */
struct Lanes {
  alignas(64) float at[kLanes] = {};

  float Reduce() {
    for (size_t width = kLanes / 2; width > 0; width /= 2) {
      for (size_t j = 0; j < width; ++j) at[j] += at[j + width];
    }
    return at[0];
  }
};

}  // namespace grape::search
