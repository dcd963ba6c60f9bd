#include "link-distances.h"

#include <cmath>
#include <vector>

namespace grape::search {

namespace {

constexpr double kPi = 3.14159265358979323846;

/** From int8 codes: a graph that they link is as good as one that vectors do. */
class ByteDistances final : public LinkDistances {
 public:
  ByteDistances(const Coding& coding, const SlotStore& slots)
      : kernels_(BestKernels()), coding_(coding), slots_(slots), query_(coding) {}

  void SetSlot(uint32_t slot) override { query_.SetRecord(slots_.Code(slot)); }

  float operator()(int64_t slot) override {
    const CodeRecord& record = slots_.Code(slot);
    const uint8_t* const bytes = record.bytes();
    int32_t sum;
    query_.Sums(&bytes, 1, &sum);
    return query_.Distance(record, sum);
  }

  float symmetric_dis(int64_t i, int64_t j) override {
    const CodeRecord& record = slots_.Code(i);
    const CodeRecord& other = slots_.Code(j);
    const int32_t sum = kernels_.code_pair(record.bytes(), other.bytes(), coding_.code_bytes());
    return CodeQuery::Distance(coding_.metric(), record, other, sum);
  }

 private:
  const Kernels& kernels_;
  const Coding& coding_;
  const SlotStore& slots_;
  CodeQuery query_;
};

/**
 * From bits: the share of those that differ is, for random directions, the angle of the vectors divided by pi. A graph
 * that these distances link was as good as one that vectors do, and better than one from a mixture with the closer
 * distances of an 8-bit query to bits: the heuristic that chooses neighbours compares distances of both kinds.
 */
class BitDistances final : public LinkDistances {
 public:
  BitDistances(const Coding& coding, const SlotStore& slots)
      : kernels_(BestKernels()), coding_(coding), slots_(slots), cosines_(8 * coding.code_bytes() + 1) {
    const auto bits = static_cast<double>(cosines_.size() - 1);
    for (size_t i = 0; i < cosines_.size(); ++i) cosines_[i] = std::cos(kPi * static_cast<double>(i) / bits);
  }

  void SetSlot(uint32_t slot) override { slot_ = slot; }

  float operator()(int64_t slot) override { return symmetric_dis(slot_, slot); }

  float symmetric_dis(int64_t i, int64_t j) override {
    const CodeRecord& record = slots_.Code(i);
    const CodeRecord& other = slots_.Code(j);
    const uint32_t differing = kernels_.bit_pair(record.bytes(), other.bytes(), coding_.code_bytes());
    switch (coding_.metric()) {
      case Metric::kCosine:
        return static_cast<float>(differing);
      case Metric::kDot:
        return FiniteFloat(-cosines_[differing] * record.norm * other.norm);
      case Metric::kEuclidean:
        return FiniteFloat(record.offset + other.offset - 2.0 * cosines_[differing] * record.norm * other.norm);
    }
    __builtin_unreachable();
  }

 private:
  const Kernels& kernels_;
  const Coding& coding_;
  const SlotStore& slots_;
  /** By the number of bits that differ. */
  std::vector<double> cosines_;
  uint32_t slot_ = 0;
};

}  // namespace

std::unique_ptr<LinkDistances> LinkDistances::Of(const Coding& coding, const SlotStore& slots) {
  if (coding.kind() == CodeKind::kBit) return std::make_unique<BitDistances>(coding, slots);
  return std::make_unique<ByteDistances>(coding, slots);
}

}  // namespace grape::search
