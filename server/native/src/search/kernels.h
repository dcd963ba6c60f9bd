#pragma once

#include <cstddef>
#include <cstdint>

#include "metric.h"

namespace grape {

/**
 * The arithmetic of one kind of processor. All sets compute the same bits.
 *
 * float32: 16 lanes, lane j takes the elements i = j mod 16 by fused multiply-add in order of i; then lane j takes lane
 * j+8, j+4, j+2, j+1. int8: exact integers; `codes` are biased by 128 (unsigned), `query` is signed.
 */
struct Kernels {
  const char* name;
  float (*dot)(const float* a, const float* b, size_t n);
  /** Sum of squared differences. */
  float (*squared_l2)(const float* a, const float* b, size_t n);
  /** Sum of (codes[i] - 128) * query[i]; |query[i]| <= 127. */
  int32_t (*dot_code_query)(const uint8_t* codes, const int8_t* query, size_t n);
  /** Sum of (a[i] - 128) * (b[i] - 128). */
  int32_t (*dot_codes)(const uint8_t* a, const uint8_t* b, size_t n);
};

/** The fastest set that this processor runs; chosen once. */
const Kernels& BestKernels();

/** Every set that this processor runs, the scalar one first; for tests. */
size_t AllKernels(const Kernels** sets, size_t sets_max);

/** The score of the API to the bit; `norm` is `sqrt(dot(v, v))` in float32 and only read under cosine. */
float ExactScore(const Kernels& kernels, Metric metric, const float* a, const float* b, size_t n, float norm_a,
                 float norm_b);

/** sqrt(dot(v, v)), each step rounded to float32. */
float Norm(const Kernels& kernels, const float* v, size_t n);

}  // namespace grape
