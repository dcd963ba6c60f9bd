#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels.h"
#include "metric.h"

namespace grape::search {

/** Never killed. */
constexpr uint64_t kAlive = ~uint64_t{0};

/**
 * What a walk through the graph reads of a slot: this header and the int8 codes behind it, in whole cache lines. A code
 * c of the vector stands for c * step, step = largest magnitude / 127 of this vector.
 */
struct alignas(64) CodeRecord {
  /** step; under cosine divided by the vector's length. */
  float scale;
  /** Under euclidean the squared length of what the codes stand for, else 0. */
  float offset;
  /** Of the signed codes. */
  int32_t sum;
  /** (shard, generation), numbered by `Slots`. */
  uint16_t slot_class;
  /** sqrt(dot(v, v)) in float32 under cosine. */
  float norm;
  /** Number of the batch that removed the slot; `kAlive` before. */
  std::atomic<uint64_t> death;
  /**
   * Slots with the same codes, which no distance tells apart, are not linked: they hang on the first of them. One more
   * than the number of the next such slot; 0: none.
   */
  std::atomic<uint32_t> next_duplicate;

  bool SameCodes(const CodeRecord& other, size_t padded) const {
    return scale == other.scale && offset == other.offset && std::memcmp(codes(), other.codes(), padded) == 0;
  }

  const uint8_t* codes() const { return reinterpret_cast<const uint8_t*>(this) + kCodeHeaderBytes; }
  uint8_t* codes() { return reinterpret_cast<uint8_t*>(this) + kCodeHeaderBytes; }
};

static_assert(sizeof(CodeRecord) == kCodeHeaderBytes, "kernels skip the header");

constexpr size_t PaddedDimension(size_t dimension) { return (dimension + kCodeAlign - 1) / kCodeAlign * kCodeAlign; }
constexpr size_t CodeRecordBytes(size_t dimension) { return kCodeHeaderBytes + PaddedDimension(dimension); }

/** False when a number is infinite or not a number. */
bool IsFinite(const float* vector, size_t dimension);

/** Fills scale, offset, sum, norm and codes of a record. The vector is finite. */
void Encode(Metric metric, const float* vector, size_t dimension, CodeRecord* record);

/** One side of code distances: a query, or a stored slot that is being linked. */
class CodeQuery {
 public:
  CodeQuery(Metric metric, size_t dimension)
      : metric_(metric), dimension_(dimension), padded_(PaddedDimension(dimension)), codes_(padded_) {}

  void SetVector(const float* vector);
  void SetRecord(const CodeRecord& record);

  const int8_t* codes() const { return codes_.data(); }
  size_t padded() const { return padded_; }

  /** The approximate distance, smaller is nearer, from a sum of `Kernels::code_dots`. Finite. */
  float Distance(const CodeRecord& record, int32_t sum) const { return Distance(record, sum - excess_, weight_, offset_); }

  /** The same between two stored slots, from a sum of `Kernels::code_pair`. */
  static float Distance(Metric metric, const CodeRecord& record, const CodeRecord& other, int32_t sum) {
    return Distance(record, sum - 128 * other.sum, Weight(metric, other.scale), other.offset);
  }

 private:
  static double Weight(Metric metric, float scale) {
    return metric == Metric::kEuclidean ? 2.0 * scale : static_cast<double>(scale);
  }
  static float Distance(const CodeRecord& record, int32_t dot, double weight, double offset) {
    // In double nothing overflows, so that no distance is infinite or not a number.
    constexpr double kMax = std::numeric_limits<float>::max();
    const double distance = record.offset + offset - dot * (record.scale * weight);
    return static_cast<float>(std::min(std::max(distance, -kMax), kMax));
  }

  const Metric metric_;
  const size_t dimension_;
  const size_t padded_;
  std::vector<int8_t> codes_;
  /** 128 times the sum of the codes. */
  int32_t excess_ = 0;
  double weight_ = 0;
  double offset_ = 0;
};

}  // namespace grape::search
