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

void CodeDots(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums) {
  for (size_t r = 0; r < count; ++r) {
    if (r + 1 < count) PrefetchRecord(records[r + 1], code_bytes);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    int32_t sum = 0;
    for (size_t i = 0; i < code_bytes; ++i) sum += codes[i] * query[i];
    sums[r] = sum;
  }
}

void BitDots(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums) {
  for (size_t r = 0; r < count; ++r) {
    if (r + 1 < count) PrefetchRecord(records[r + 1], code_bytes);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    int32_t sum = 0;
    for (size_t block = 0; block < code_bytes; block += kCodeAlign) {
      for (size_t i = 0; i < 8 * kCodeAlign; ++i) {
        const int32_t bit = codes[block + i % kCodeAlign] >> (i / kCodeAlign) & 1;
        sum += 2 * bit * query[8 * block + i];
      }
    }
    sums[r] = sum;
  }
}

int32_t CodePair(const uint8_t* record, const uint8_t* other, size_t code_bytes) {
  const uint8_t* const a = record + kCodeHeaderBytes;
  const uint8_t* const b = other + kCodeHeaderBytes;
  int32_t sum = 0;
  for (size_t i = 0; i < code_bytes; ++i) sum += a[i] * (b[i] - 128);
  return sum;
}

uint32_t BitPair(const uint8_t* record, const uint8_t* other, size_t code_bytes) {
  uint32_t differing = 0;
  for (size_t i = kCodeHeaderBytes; i < kCodeHeaderBytes + code_bytes; ++i) {
    differing += static_cast<uint32_t>(__builtin_popcount(record[i] ^ other[i]));
  }
  return differing;
}

}  // namespace

const Kernels kScalarKernels{"scalar", Dot, Squared, DotRows, SquaredRows, CodeDots, BitDots, CodePair, BitPair};

}  // namespace grape::search
