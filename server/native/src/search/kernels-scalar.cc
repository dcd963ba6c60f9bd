#include <cmath>

#include "kernel-sets.h"
#include "lanes.h"

namespace grape {
namespace {

float Dot(const float* a, const float* b, size_t n) {
  float lanes[kLanes] = {};
  const size_t whole = n / kLanes * kLanes;
  for (size_t i = 0; i < whole; i++) lanes[i % kLanes] = std::fma(a[i], b[i], lanes[i % kLanes]);
  return FinishLanes(lanes, whole, n, [&](size_t i, float sum) { return std::fma(a[i], b[i], sum); });
}

float SquaredL2(const float* a, const float* b, size_t n) {
  float lanes[kLanes] = {};
  const auto step = [&](size_t i, float sum) {
    const float difference = a[i] - b[i];
    return std::fma(difference, difference, sum);
  };
  const size_t whole = n / kLanes * kLanes;
  for (size_t i = 0; i < whole; i++) lanes[i % kLanes] = step(i, lanes[i % kLanes]);
  return FinishLanes(lanes, whole, n, step);
}

int32_t DotCodeQuery(const uint8_t* codes, const int8_t* query, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; i++) sum += (static_cast<int32_t>(codes[i]) - 128) * query[i];
  return sum;
}

int32_t DotCodes(const uint8_t* a, const uint8_t* b, size_t n) {
  int32_t sum = 0;
  for (size_t i = 0; i < n; i++) sum += (static_cast<int32_t>(a[i]) - 128) * (static_cast<int32_t>(b[i]) - 128);
  return sum;
}

}  // namespace

const Kernels kScalarKernels = {"scalar", Dot, SquaredL2, DotCodeQuery, DotCodes};

}  // namespace grape
