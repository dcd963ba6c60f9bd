#include "rotation.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace grape::search {

namespace {

constexpr size_t kRounds = 3;
constexpr size_t kWidthMin = 512;

/** The two smallest strides of the transform at once: loops so short do not become vector code. */
void TransformFours(float* values, size_t width) {
  for (size_t i = 0; i < width; i += 4) {
    const float a = values[i] + values[i + 1];
    const float b = values[i] - values[i + 1];
    const float c = values[i + 2] + values[i + 3];
    const float d = values[i + 2] - values[i + 3];
    values[i] = a + c;
    values[i + 1] = b + d;
    values[i + 2] = a - c;
    values[i + 3] = b - d;
  }
}

/** Walsh-Hadamard, without the factor 1 / sqrt(width). */
void Transform(float* values, size_t width) {
  TransformFours(values, width);
  for (size_t stride = 4; stride < width; stride *= 2) {
    for (size_t begin = 0; begin < width; begin += 2 * stride) {
      float* const left = values + begin;
      float* const right = left + stride;
      for (size_t i = 0; i < stride; ++i) {
        const float sum = left[i] + right[i];
        right[i] = left[i] - right[i];
        left[i] = sum;
      }
    }
  }
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
