#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grape::search {

/**
 * Hash table from (shard, id) to slot number. It keeps a part of the hash and the number only; who looks up compares the
 * id in the slot. Linear probing, removal without tombstones. For one thread at a time.
 */
class SlotMap {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  SlotMap();

  /** Seeded at random for each map, so that chosen ids cannot collide on purpose. */
  uint64_t Hash(uint16_t shard, const uint8_t* id, size_t bytes) const;

  /** Afterwards `count` insertions do not allocate. */
  void Reserve(size_t count);

  /** The slot with this hash for which `same(slot)` holds; else `kNone`. */
  template <typename Same>
  uint32_t Find(uint64_t hash, Same same) const {
    for (size_t at = hash & mask_; cells_[at].slot != kNone; at = (at + 1) & mask_) {
      if (cells_[at].tag == Tag(hash) && same(cells_[at].slot)) return cells_[at].slot;
    }
    return kNone;
  }

  /** The key is not in the map, and room is reserved. */
  void Insert(uint64_t hash, uint32_t slot);
  /** The slot is in the map. */
  void Replace(uint64_t hash, uint32_t slot, uint32_t by);
  void Remove(uint64_t hash, uint32_t slot);

  size_t size() const { return size_; }
  size_t bytes() const { return cells_.size() * sizeof(Cell); }

 private:
  /** `tag`: the low bits of the hash, from which the place of the cell follows while the table has fewer than 2^32. */
  struct Cell {
    uint32_t tag;
    uint32_t slot;
  };

  static uint32_t Tag(uint64_t hash) { return static_cast<uint32_t>(hash); }
  size_t Position(uint64_t hash, uint32_t slot) const;

  uint64_t seed_;
  size_t mask_;
  size_t size_ = 0;
  std::vector<Cell> cells_;
};

}  // namespace grape::search
