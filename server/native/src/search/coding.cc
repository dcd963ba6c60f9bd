#include "coding.h"

#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

namespace grape::search {

namespace {

constexpr size_t kWidthMax = 4'096;
/** Bits of a byte belong to elements this far from each other, so that a kernel tests one bit of many bytes at once. */
constexpr size_t kBitStride = kCodeAlign;
constexpr size_t kBitBlock = 8 * kBitStride;
/** Half of what an estimate from 512 bits is wrong by. */
constexpr float kLengthTolerance = 1.0f / 64;

/** The bits of the largest magnitude; those of finite numbers are below `kInfinityBits`, and order as the numbers do. */
uint32_t LargestMagnitudeBits(const float* vector, size_t dimension) {
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

float LargestMagnitude(const float* vector, size_t dimension) {
  const uint32_t bits = LargestMagnitudeBits(vector, dimension);
  float largest;
  std::memcpy(&largest, &bits, sizeof(largest));
  return largest;
}

struct Quantised {
  double step;
  int32_t sum;
  int64_t squares;
};

/** `put(i, code)` for each element. */
template <typename Put>
Quantised Quantise(const float* vector, size_t dimension, Put put) {
  const float largest = LargestMagnitude(vector, dimension);
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

/** A vector divided by its largest magnitude, which neither overflows nor vanishes, and rotated. */
struct Rotated {
  Rotated(const Rotation& rotation, const float* vector, size_t dimension)
      : width(rotation.width()), largest(LargestMagnitude(vector, dimension)) {
    const double inverse = largest > 0 ? 1.0 / largest : 0;
    std::array<float, kWidthMax> scaled;
    for (size_t i = 0; i < dimension; ++i) scaled[i] = static_cast<float>(vector[i] * inverse);
    squares = BestKernels().dot(scaled.data(), scaled.data(), dimension);
    rotation.Apply(scaled.data(), values.data());
  }

  const size_t width;
  const double largest;
  /** Of the vector before it was rotated, which is what they are afterwards but for rounding. */
  double squares;
  std::array<float, kWidthMax> values;
};

size_t PaddedToAlign(size_t bytes) { return (bytes + kCodeAlign - 1) / kCodeAlign * kCodeAlign; }

}  // namespace

bool IsFinite(const float* vector, size_t dimension) {
  return LargestMagnitudeBits(vector, dimension) < kInfinityBits;
}

Coding::Coding(Metric metric, size_t dimension, CodeKind kind, uint64_t seed)
    : metric_(metric),
      dimension_(dimension),
      kind_(kind),
      rotation_(kind == CodeKind::kBit ? std::make_optional<Rotation>(dimension, seed) : std::nullopt),
      code_bytes_(kind == CodeKind::kBit ? rotation_->width() / 8 : PaddedToAlign(dimension)) {}

void Coding::Encode(const float* vector, CodeRecord* record) const {
  if (kind_ == CodeKind::kBit) {
    EncodeBits(vector, record);
  } else {
    EncodeBytes(vector, record);
  }
  if (metric_ == Metric::kCosine) record->norm = Norm(vector, dimension_);
}

void Coding::EncodeBytes(const float* vector, CodeRecord* record) const {
  uint8_t* const codes = record->codes();
  const Quantised quantised =
      Quantise(vector, dimension_, [&](size_t i, int8_t code) { codes[i] = static_cast<uint8_t>(code + 128); });
  std::memset(codes + dimension_, 128, code_bytes_ - dimension_);
  const double squares = quantised.squares * quantised.step * quantised.step;
  const bool scaled = metric_ == Metric::kCosine && squares > 0;
  record->scale = FiniteFloat(scaled ? 1 / std::sqrt(static_cast<double>(quantised.squares)) : quantised.step);
  record->offset = metric_ == Metric::kEuclidean ? FiniteFloat(squares) : 0;
  record->sum = quantised.sum;
  record->norm = 0;
}

/**
 * For the signs s of the rotated vector x and a rotated query y, dot(x, y) is about dot(s, y) * dot(x, x) / dot(s, x):
 * without bias over the rotations, since what s has beside x points anywhere (Gao & Long 2024, theorem 3.2).
 */
void Coding::EncodeBits(const float* vector, CodeRecord* record) const {
  const Rotated rotated(*rotation_, vector, dimension_);
  uint8_t* const codes = record->codes();
  std::memset(codes, 0, code_bytes_);
  // As many sums as bits of a byte: one alone would wait for each addition.
  std::array<float, kBitStride> sums{};
  for (size_t i = 0; i < rotated.width; i += kBitStride) {
    const float* const values = &rotated.values[i];
    uint8_t* const bytes = codes + i / kBitBlock * kBitStride;
    const auto bit = static_cast<uint8_t>(1 << (i % kBitBlock / kBitStride));
    for (size_t j = 0; j < kBitStride; ++j) {
      sums[j] += std::abs(values[j]);
      bytes[j] |= values[j] >= 0 ? bit : 0;
    }
  }
  const double magnitudes = std::accumulate(sums.begin(), sums.end(), 0.0);
  const double length = std::sqrt(rotated.squares);
  const double scale = metric_ == Metric::kCosine ? length : rotated.largest * rotated.squares;
  record->scale = magnitudes > 0 ? FiniteFloat(scale / magnitudes) : 0;
  record->norm = FiniteFloat(rotated.largest * length);
  record->offset = metric_ == Metric::kEuclidean ? FiniteFloat(rotated.largest * rotated.largest * rotated.squares) : 0;
  record->sum = 0;
}

bool Coding::AreAlike(const CodeRecord& record, const CodeRecord& other) const {
  if (std::memcmp(record.codes(), other.codes(), code_bytes_) != 0) return false;
  if (kind_ == CodeKind::kInt8) return record.scale == other.scale && record.offset == other.offset;
  // Near copies often have the same bits; their lengths may differ, and by much when they are no copies.
  return std::abs(record.scale - other.scale) <= kLengthTolerance * record.scale;
}

CodeQuery::CodeQuery(const Coding& coding)
    : coding_(coding),
      sum_records_(coding.kind() == CodeKind::kBit ? BestKernels().bit_dots : BestKernels().code_dots),
      codes_(coding.kind() == CodeKind::kBit ? 8 * coding.code_bytes() : coding.code_bytes()) {}

void CodeQuery::SetVector(const float* vector) {
  if (coding_.kind() == CodeKind::kBit) {
    SetBits(vector);
  } else {
    SetBytes(vector);
  }
}

void CodeQuery::SetBytes(const float* vector) {
  const Quantised quantised =
      Quantise(vector, coding_.dimension(), [&](size_t i, int8_t code) { codes_[i] = code; });
  excess_ = 128 * quantised.sum;
  const bool euclidean = coding_.metric() == Metric::kEuclidean;
  weight_ = euclidean ? 2 * quantised.step : 1;
  offset_ = euclidean ? quantised.squares * quantised.step * quantised.step : 0;
}

void CodeQuery::SetBits(const float* vector) {
  const Rotated rotated(*coding_.rotation_, vector, coding_.dimension());
  const Quantised quantised =
      Quantise(rotated.values.data(), rotated.width, [&](size_t i, int8_t code) { codes_[i] = code; });
  excess_ = quantised.sum;
  const bool euclidean = coding_.metric() == Metric::kEuclidean;
  weight_ = euclidean ? 2 * rotated.largest * quantised.step : 1;
  offset_ = euclidean ? rotated.largest * rotated.largest * rotated.squares : 0;
}

void CodeQuery::SetRecord(const CodeRecord& record) {
  for (size_t i = 0; i < codes_.size(); ++i) codes_[i] = static_cast<int8_t>(record.codes()[i] - 128);
  excess_ = 128 * record.sum;
  weight_ = Weight(coding_.metric(), record.scale);
  offset_ = record.offset;
}

}  // namespace grape::search
