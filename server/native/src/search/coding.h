#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "codes.h"
#include "metric.h"
#include "rotation.h"

namespace grape::search {

/** The numbers are those of the index file. */
enum class CodeKind : uint8_t {
  /** A code c of an element stands for c * step, step = largest magnitude / 127 of this vector. */
  kInt8 = 0,
  /** The signs of the rotated elements, and one number that makes products with them right on average (RaBitQ). */
  kBit = 1,
};

constexpr uint32_t kCodeKinds = 2;

/** The nearest float that is neither infinite nor, of a number, none. */
inline float FiniteFloat(double value) {
  constexpr double kMax = std::numeric_limits<float>::max();
  return static_cast<float>(std::min(std::max(value, -kMax), kMax));
}

/** False when a number is infinite or not a number. */
bool IsFinite(const float* vector, size_t dimension);

/** How the vectors of an index become codes. Constant. */
class Coding {
 public:
  /** `seed` of the rotation; without meaning for int8. */
  Coding(Metric metric, size_t dimension, CodeKind kind, uint64_t seed);

  Metric metric() const { return metric_; }
  size_t dimension() const { return dimension_; }
  CodeKind kind() const { return kind_; }
  /** A multiple of `kCodeAlign`. */
  size_t code_bytes() const { return code_bytes_; }
  size_t record_bytes() const { return kCodeHeaderBytes + code_bytes_; }

  /** Fills scale, offset, sum, norm and codes of a record. The vector is finite. */
  void Encode(const float* vector, CodeRecord* record) const;

  /** Whether distances of codes tell the two apart by no more than they err. */
  bool AreAlike(const CodeRecord& record, const CodeRecord& other) const;

 private:
  friend class CodeQuery;

  void EncodeBytes(const float* vector, CodeRecord* record) const;
  void EncodeBits(const float* vector, CodeRecord* record) const;

  const Metric metric_;
  const size_t dimension_;
  const CodeKind kind_;
  /** With bits only. */
  std::optional<Rotation> rotation_;
  const size_t code_bytes_;
};

/** One side of code distances: a query, or a stored slot that is being linked. */
class CodeQuery {
 public:
  explicit CodeQuery(const Coding& coding);

  void SetVector(const float* vector);
  const int8_t* codes() const { return codes_.data(); }
  /** With int8 codes. */
  void SetRecord(const CodeRecord& record);

  /** For `Distance`, from records whose memory is prefetched. */
  void Sums(const uint8_t* const* records, size_t count, int32_t* sums) const {
    sum_records_(codes_.data(), records, count, coding_.code_bytes(), sums);
  }

  /** The approximate distance, smaller is nearer. Finite. */
  float Distance(const CodeRecord& record, int32_t sum) const {
    return Distance(record, sum - excess_, weight_, offset_);
  }

  /** The same between two stored slots with int8 codes, from a sum of `Kernels::code_pair`. */
  static float Distance(Metric metric, const CodeRecord& record, const CodeRecord& other, int32_t sum) {
    return Distance(record, sum - 128 * other.sum, Weight(metric, other.scale), other.offset);
  }

 private:
  static double Weight(Metric metric, float scale) {
    return metric == Metric::kEuclidean ? 2.0 * scale : static_cast<double>(scale);
  }
  static float Distance(const CodeRecord& record, int32_t dot, double weight, double offset) {
    // In double nothing overflows, so that no distance is infinite or not a number.
    return FiniteFloat(record.offset + offset - dot * (record.scale * weight));
  }

  void SetBytes(const float* vector);
  void SetBits(const float* vector);

  const Coding& coding_;
  void (*const sum_records_)(const int8_t*, const uint8_t* const*, size_t, size_t, int32_t*);
  std::vector<int8_t> codes_;
  /** What the sums of stored codes have too much, since they are stored without a sign. */
  int32_t excess_ = 0;
  double weight_ = 0;
  double offset_ = 0;
};

}  // namespace grape::search
