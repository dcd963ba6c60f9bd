#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "slot-bits.h"
#include "sorted-runs.h"

namespace grape::search {

/** What one value of a field is, the numbers of `packed-values.ts`: a hash of a text, a number, a place, of another type. */
enum class ValueKind : uint8_t { kHash = 1, kNumber = 2, kPlace = 3, kMisfit = 4 };

/** Points of an indexed field. */
struct FieldCounts {
  size_t fitting;
  size_t misfits;
};

/**
 * Which slots have which values in one field of the payload. Values are only added: those of dead slots, and former values
 * of a slot whose payload was changed, stay until the index is made anew. What is found is therefore at least what matches;
 * who searches compares the winners with the store anyway.
 */
class FieldIndex {
 public:
  /**
   * Packed values: `u8 kind`, then f64 number, f64 latitude and f64 longitude, or, also of a value of another type, u64 hash;
   * throws `INDEX_INVALID_ARGUMENT`.
   */
  static void Check(const uint8_t* values, size_t size);
  void Add(uint32_t slot, const uint8_t* values, size_t size);

  void FindHash(uint64_t hash, SlotBits* found) const;
  void FindRange(double low, double high, SlotBits* found) const;
  /** West may be greater than east: across the antimeridian. */
  void FindBox(double south, double north, double west, double east, SlotBits* found) const;

  /** Slots with values of the type of the index, and with others, among those for which `admits` says so. */
  template <typename Admits>
  FieldCounts Count(Admits admits) const {
    FieldCounts counts{};
    for (size_t slot = 0; slot < marks_.size(); ++slot) {
      if (marks_[slot] == 0 || !admits(static_cast<uint32_t>(slot))) continue;
      counts.fitting += marks_[slot] & kFits;
      counts.misfits += marks_[slot] >> 1;
    }
    return counts;
  }

  size_t bytes() const;

 private:
  static constexpr uint8_t kFits = 1;
  static constexpr uint8_t kMisfits = 2;

  struct Number {
    double key;
    uint32_t slot;
  };
  struct Place {
    /** Latitude. */
    double key;
    double longitude;
    uint32_t slot;
  };

  std::unordered_map<uint64_t, std::vector<uint32_t>> hashes_;
  size_t hashed_ = 0;
  SortedRuns<Number> numbers_;
  SortedRuns<Place> places_;
  /** By slot: what kinds of values it has. */
  std::vector<uint8_t> marks_;
};

/** The indexed fields of one index, by number. One writer at a time; searches share. */
class FieldIndexes {
 public:
  void Add(uint16_t field, uint32_t slot, const uint8_t* values, size_t size);
  /** Forgets the values of a field. */
  void Drop(uint16_t field);

  /**
   * The slots among the first `slots` that a filter may let pass; a filter is an expression in prefix notation, see
   * `filter-program.ts`. Throws `INDEX_INVALID_ARGUMENT`.
   */
  std::unique_ptr<SlotBits> Evaluate(const uint8_t* program, size_t size, size_t slots) const;

  template <typename Admits>
  FieldCounts Count(uint16_t field, Admits admits) const {
    const std::shared_lock<std::shared_mutex> lock(mutex_);
    const auto found = fields_.find(field);
    return found == fields_.end() ? FieldCounts{} : found->second.Count(admits);
  }

  size_t bytes() const;

 private:
  friend class ProgramReader;

  mutable std::shared_mutex mutex_;
  std::unordered_map<uint16_t, FieldIndex> fields_;
};

}  // namespace grape::search
