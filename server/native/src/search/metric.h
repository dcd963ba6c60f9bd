#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "kernels.h"

namespace grape::search {

/** The numbers are those of the index file and of `server/src/native`. */
enum class Metric : uint8_t { kCosine = 0, kDot = 1, kEuclidean = 2 };

constexpr uint32_t kMetrics = 3;

/** sqrt(dot(v, v)), each step rounded to float32. */
inline float Norm(const float* vector, size_t dimension) {
  return std::sqrt(BestKernels().dot(vector, vector, dimension));
}

/** The score from the sum of products, under euclidean of squared differences, and the two norms. */
inline float ScoreOfSum(Metric metric, float sum, float query_norm, float norm) {
  switch (metric) {
    case Metric::kCosine:
      return sum / (query_norm * norm);
    case Metric::kDot:
      return sum;
    case Metric::kEuclidean:
      return std::sqrt(sum);
  }
  __builtin_unreachable();
}

/** The score of two vectors, to the bit as a search gives it. */
inline float ExactScore(Metric metric, const float* query, const float* vector, size_t dimension) {
  if (metric == Metric::kEuclidean) {
    return ScoreOfSum(metric, BestKernels().squared(query, vector, dimension), 0, 0);
  }
  const float sum = BestKernels().dot(query, vector, dimension);
  if (metric == Metric::kDot) return sum;
  return ScoreOfSum(metric, sum, Norm(query, dimension), Norm(vector, dimension));
}

/** Scores as numbers of which the smallest is the best; a score that is no number (infinite sums) is the worst. */
inline float Badness(Metric metric, float score) {
  if (std::isnan(score)) return std::numeric_limits<float>::infinity();
  return metric == Metric::kEuclidean ? score : -score;
}

}  // namespace grape::search
