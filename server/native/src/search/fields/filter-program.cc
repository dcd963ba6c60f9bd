#include <mutex>

#include "../byte-source.h"
#include "../failure-code.h"
#include "field-index.h"

namespace grape::search {

namespace {

/** The numbers of `filter-program.ts`. */
enum class Op : uint8_t { kAnd = 1, kOr = 2, kHash = 3, kRange = 4, kBox = 5 };

/** As deep as filters nest, and a level for the values of a condition. */
constexpr size_t kDepthMax = 80;

}  // namespace

/** Evaluates one expression after the other; its caller holds the lock of the fields. */
class ProgramReader {
 public:
  ProgramReader(const FieldIndexes& indexes, ByteSource source, size_t slots)
      : indexes_(indexes), source_(source), slots_(slots) {}

  std::unique_ptr<SlotBits> Whole() {
    auto found = Next(0);
    if (!source_.empty()) throw InvalidArgument("a filter with something behind its end");
    return found;
  }

 private:
  std::unique_ptr<SlotBits> Next(size_t depth) {
    if (depth > kDepthMax) throw InvalidArgument("a filter that nests too deeply");
    const auto op = static_cast<Op>(source_.Take<uint8_t>());
    if (op == Op::kAnd || op == Op::kOr) return Several(op, depth);
    auto found = std::make_unique<SlotBits>(slots_);
    const FieldIndex& field = Field(source_.Take<uint16_t>());
    switch (op) {
      case Op::kHash:
        field.FindHash(source_.Take<uint64_t>(), found.get());
        break;
      case Op::kRange: {
        const double low = source_.Take<double>();
        field.FindRange(low, source_.Take<double>(), found.get());
        break;
      }
      case Op::kBox: {
        const double south = source_.Take<double>();
        const double north = source_.Take<double>();
        const double west = source_.Take<double>();
        field.FindBox(south, north, west, source_.Take<double>(), found.get());
        break;
      }
      default:
        throw InvalidArgument("an unknown operation in a filter");
    }
    return found;
  }

  /** Of none: all with `kAnd`, nothing with `kOr`. */
  std::unique_ptr<SlotBits> Several(Op op, size_t depth) {
    auto found = std::make_unique<SlotBits>(slots_);
    if (op == Op::kAnd) found->AddAll();
    for (uint32_t left = source_.Take<uint32_t>(); left > 0; --left) {
      const auto part = Next(depth + 1);
      if (op == Op::kAnd) {
        found->And(*part);
      } else {
        found->Or(*part);
      }
    }
    return found;
  }

  const FieldIndex& Field(uint16_t number) const {
    static const FieldIndex none;
    const auto field = indexes_.fields_.find(number);
    return field == indexes_.fields_.end() ? none : field->second;
  }

  const FieldIndexes& indexes_;
  ByteSource source_;
  const size_t slots_;
};

std::unique_ptr<SlotBits> FieldIndexes::Evaluate(const uint8_t* program, size_t size, size_t slots) const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  return ProgramReader(*this, ByteSource(program, size), slots).Whole();
}

}  // namespace grape::search
