#include "rotation.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

namespace grape::search {

namespace {

constexpr size_t kRounds = 3;
constexpr size_t kWidthMin = 512;

typedef float Four __attribute__((vector_size(16)));

/** The first two steps of the transform, within groups of four: in loops so short they would not become vector code. */
void FirstSteps(float* values, size_t width) {
  constexpr Four kSecondOfTwo{1, -1, 1, -1};
  constexpr Four kSecondTwo{1, 1, -1, -1};
  for (size_t i = 0; i < width; i += 4) {
    Four four;
    std::memcpy(&four, values + i, sizeof(four));
    four = __builtin_shufflevector(four, four, 1, 0, 3, 2) + kSecondOfTwo * four;
    four = __builtin_shufflevector(four, four, 2, 3, 0, 1) + kSecondTwo * four;
    std::memcpy(values + i, &four, sizeof(four));
  }
}

/** Two steps of the transform at once, for pairs at distances of `stride` and twice that. */
void TwoSteps(float* values, size_t width, size_t stride) {
  for (size_t begin = 0; begin < width; begin += 4 * stride) {
    float* __restrict const a = values + begin;
    float* __restrict const b = a + stride;
    float* __restrict const c = b + stride;
    float* __restrict const d = c + stride;
    for (size_t i = 0; i < stride; ++i) {
      const float sum = a[i] + b[i];
      const float difference = a[i] - b[i];
      const float other_sum = c[i] + d[i];
      const float other_difference = c[i] - d[i];
      a[i] = sum + other_sum;
      b[i] = difference + other_difference;
      c[i] = sum - other_sum;
      d[i] = difference - other_difference;
    }
  }
}

void LastStep(float* values, size_t width) {
  float* __restrict const left = values;
  float* __restrict const right = values + width / 2;
  for (size_t i = 0; i < width / 2; ++i) {
    const float sum = left[i] + right[i];
    right[i] = left[i] - right[i];
    left[i] = sum;
  }
}

/** Walsh-Hadamard, without the factor 1 / sqrt(width). */
void Transform(float* values, size_t width) {
  FirstSteps(values, width);
  size_t stride = 4;
  for (; 4 * stride <= width; stride *= 4) TwoSteps(values, width, stride);
  if (stride < width) LastStep(values, width);
}

}  // namespace

size_t Rotation::WidthOf(size_t dimension) {
  size_t width = kWidthMin;
  while (width < dimension) width *= 2;
  return width;
}

Rotation::Rotation(size_t dimension, uint64_t seed)
    : dimension_(dimension), width_(WidthOf(dimension)), signs_(kRounds * width_) {
  std::mt19937_64 random(seed);
  for (float& sign : signs_) sign = (random() >> 63) != 0 ? -1.0f : 1.0f;
}

void Rotation::Apply(const float* vector, float* rotated) const {
  std::copy_n(vector, dimension_, rotated);
  std::fill(rotated + dimension_, rotated + width_, 0.0f);
  for (size_t round = 0; round < kRounds; ++round) {
    const float* const signs = &signs_[round * width_];
    for (size_t i = 0; i < width_; ++i) rotated[i] *= signs[i];
    Transform(rotated, width_);
  }
  const auto factor = static_cast<float>(std::pow(static_cast<double>(width_), -0.5 * kRounds));
  for (size_t i = 0; i < width_; ++i) rotated[i] *= factor;
}

}  // namespace grape::search
