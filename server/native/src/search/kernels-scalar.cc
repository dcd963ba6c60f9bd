#include <cmath>

#include "kernel-sets.h"
#include "lanes.h"

namespace grape::search {

namespace {

float Dot(const float* a, const float* b, size_t dimension) {
  Lanes lanes;
  size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) lanes.at[j] = std::fma(a[i + j], b[i + j], lanes.at[j]);
  }
  for (size_t j = 0; i + j < dimension; ++j) lanes.at[j] = std::fma(a[i + j], b[i + j], lanes.at[j]);
  return lanes.Reduce();
}

float Squared(const float* a, const float* b, size_t dimension) {
  Lanes lanes;
  size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) {
      const float difference = a[i + j] - b[i + j];
      lanes.at[j] = std::fma(difference, difference, lanes.at[j]);
    }
  }
  for (size_t j = 0; i + j < dimension; ++j) {
    const float difference = a[i + j] - b[i + j];
    lanes.at[j] = std::fma(difference, difference, lanes.at[j]);
  }
  return lanes.Reduce();
}

void DotRows(const float* query, const float* const* rows, size_t count, size_t dimension, float* sums) {
  for (size_t r = 0; r < count; ++r) sums[r] = Dot(query, rows[r], dimension);
}

void SquaredRows(const float* query, const float* const* rows, size_t count, size_t dimension, float* sums) {
  for (size_t r = 0; r < count; ++r) sums[r] = Squared(query, rows[r], dimension);
}

void CodeDots(const int8_t* query, const uint8_t* const* records, size_t count, size_t padded, int32_t* sums) {
  for (size_t r = 0; r < count; ++r) {
    if (r + 1 < count) PrefetchRecord(records[r + 1], padded);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    int32_t sum = 0;
    for (size_t i = 0; i < padded; ++i) sum += codes[i] * query[i];
    sums[r] = sum;
  }
}

int32_t CodePair(const uint8_t* record, const uint8_t* other, size_t padded) {
  const uint8_t* const a = record + kCodeHeaderBytes;
  const uint8_t* const b = other + kCodeHeaderBytes;
  int32_t sum = 0;
  for (size_t i = 0; i < padded; ++i) sum += a[i] * (b[i] - 128);
  return sum;
}

}  // namespace

const Kernels kScalarKernels{"scalar", Dot, Squared, DotRows, SquaredRows, CodeDots, CodePair};

}  // namespace grape::search
