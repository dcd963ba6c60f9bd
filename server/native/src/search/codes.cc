#include "codes.h"

#include <cstring>

namespace grape::search {

namespace {

/** The bits of the largest magnitude; those of finite numbers are below `kInfinityBits`, and order as the numbers do. */
uint32_t LargestMagnitude(const float* vector, size_t dimension) {
  uint32_t largest = 0;
  for (size_t i = 0; i < dimension; ++i) {
    uint32_t bits;
    std::memcpy(&bits, vector + i, sizeof(bits));
    bits &= 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

constexpr uint32_t kInfinityBits = 0x7f800000;

struct Quantised {
  double step;
  int32_t sum;
  int64_t squares;
};

/** `put(i, code)` for each element. */
template <typename Put>
Quantised Quantise(const float* vector, size_t dimension, Put put) {
  const uint32_t bits = LargestMagnitude(vector, dimension);
  float largest;
  std::memcpy(&largest, &bits, sizeof(largest));
  const double inverse = largest > 0 ? 127.0 / largest : 0;
  int32_t sum = 0;
  int64_t squares = 0;
  for (size_t i = 0; i < dimension; ++i) {
    const int32_t code = static_cast<int32_t>(std::lrint(vector[i] * inverse));
    sum += code;
    squares += code * code;
    put(i, static_cast<int8_t>(code));
  }
  return {static_cast<double>(largest) / 127, sum, squares};
}

float ToFloat(double value) {
  return static_cast<float>(std::min(value, static_cast<double>(std::numeric_limits<float>::max())));
}

}  // namespace

bool IsFinite(const float* vector, size_t dimension) {
  return LargestMagnitude(vector, dimension) < kInfinityBits;
}

void Encode(Metric metric, const float* vector, size_t dimension, CodeRecord* record) {
  uint8_t* const codes = record->codes();
  const Quantised quantised =
      Quantise(vector, dimension, [&](size_t i, int8_t code) { codes[i] = static_cast<uint8_t>(code + 128); });
  std::memset(codes + dimension, 128, PaddedDimension(dimension) - dimension);
  const double squares = quantised.squares * quantised.step * quantised.step;
  const bool scaled = metric == Metric::kCosine && squares > 0;
  record->scale = scaled ? ToFloat(1 / std::sqrt(static_cast<double>(quantised.squares))) : ToFloat(quantised.step);
  record->offset = metric == Metric::kEuclidean ? ToFloat(squares) : 0;
  record->sum = quantised.sum;
  record->norm = metric == Metric::kCosine ? Norm(vector, dimension) : 0;
}

void CodeQuery::SetVector(const float* vector) {
  const Quantised quantised =
      Quantise(vector, dimension_, [&](size_t i, int8_t code) { codes_[i] = code; });
  excess_ = 128 * quantised.sum;
  weight_ = metric_ == Metric::kEuclidean ? 2 * quantised.step : 1;
  offset_ = metric_ == Metric::kEuclidean ? quantised.squares * quantised.step * quantised.step : 0;
}

void CodeQuery::SetRecord(const CodeRecord& record) {
  for (size_t i = 0; i < padded_; ++i) codes_[i] = static_cast<int8_t>(record.codes()[i] - 128);
  excess_ = 128 * record.sum;
  weight_ = Weight(metric_, record.scale);
  offset_ = record.offset;
}

}  // namespace grape::search
