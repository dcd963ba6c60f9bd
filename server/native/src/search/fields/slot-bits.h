#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grape::search {

/** A set of slots, one bit each. */
class SlotBits {
 public:
  explicit SlotBits(size_t slots) : slots_(slots), words_((slots + 63) / 64) {}

  size_t slots() const { return slots_; }

  /** Slots that are none of the set's are left out. */
  void Add(uint32_t slot) {
    if (slot < slots_) words_[slot / 64] |= uint64_t{1} << (slot % 64);
  }
  bool Has(uint32_t slot) const { return slot < slots_ && (words_[slot / 64] >> (slot % 64) & 1) != 0; }

  void AddAll() {
    for (uint64_t& word : words_) word = ~uint64_t{0};
    if (slots_ % 64 != 0) words_.back() = (uint64_t{1} << (slots_ % 64)) - 1;
  }
  void And(const SlotBits& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }
  void Or(const SlotBits& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }

  size_t Count() const {
    size_t count = 0;
    for (const uint64_t word : words_) count += static_cast<size_t>(__builtin_popcountll(word));
    return count;
  }

  /** Calls `visit` with every slot of the set from `from` on, ascending. */
  template <typename Visit>
  void ForEach(size_t from, Visit visit) const {
    for (size_t i = from / 64; i < words_.size(); ++i) {
      uint64_t word = words_[i];
      if (i == from / 64) word &= ~uint64_t{0} << (from % 64);
      for (; word != 0; word &= word - 1) visit(static_cast<uint32_t>(64 * i + __builtin_ctzll(word)));
    }
  }

 private:
  const size_t slots_;
  std::vector<uint64_t> words_;
};

}  // namespace grape::search
