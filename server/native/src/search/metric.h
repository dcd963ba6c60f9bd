#pragma once

#include <cstdint>

namespace grape {

enum class Metric : uint8_t { kCosine = 0, kDot = 1, kEuclidean = 2 };

/** Whether a larger score is the better one. */
constexpr bool HigherIsBetter(Metric metric) { return metric != Metric::kEuclidean; }

}  // namespace grape
