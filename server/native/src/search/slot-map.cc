#include "slot-map.h"

#include <cstring>
#include <random>

namespace grape::search {

namespace {

constexpr size_t kCellsMin = 64;

/** Multiply to 128 bits and fold: every input bit reaches every output bit. */
uint64_t Mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

SlotMap::SlotMap() : mask_(kCellsMin - 1), cells_(kCellsMin, Cell{0, kNone}) {
  std::random_device random;
  seed_ = (static_cast<uint64_t>(random()) << 32 | random()) | 1;
}

uint64_t SlotMap::Hash(uint16_t shard, const uint8_t* id, size_t bytes) const {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  uint64_t hash = Mix(seed_ ^ shard, kOdd ^ bytes);
  for (size_t at = 0; at < bytes; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, id + at, bytes - at < 8 ? bytes - at : 8);
    hash = Mix(hash ^ word, seed_ ^ kOdd);
  }
  return Mix(hash, kOdd);
}

void SlotMap::Reserve(size_t count) {
  size_t cells = cells_.size();
  while ((size_ + count) * 4 > cells * 3) cells *= 2;
  if (cells == cells_.size()) return;
  std::vector<Cell> old(cells, Cell{0, kNone});
  old.swap(cells_);
  mask_ = cells - 1;
  size_ = 0;
  for (const Cell& cell : old) {
    if (cell.slot != kNone) Insert(cell.tag, cell.slot);
  }
}

void SlotMap::Insert(uint64_t hash, uint32_t slot) {
  size_t at = hash & mask_;
  while (cells_[at].slot != kNone) at = (at + 1) & mask_;
  cells_[at] = {Tag(hash), slot};
  size_ += 1;
}

size_t SlotMap::Position(uint64_t hash, uint32_t slot) const {
  size_t at = hash & mask_;
  while (cells_[at].slot != slot) at = (at + 1) & mask_;
  return at;
}

void SlotMap::Replace(uint64_t hash, uint32_t slot, uint32_t by) { cells_[Position(hash, slot)].slot = by; }

void SlotMap::Remove(uint64_t hash, uint32_t slot) {
  size_t hole = Position(hash, slot);
  // Later cells of the run move up into the hole, unless they would come before their own place.
  for (size_t at = (hole + 1) & mask_; cells_[at].slot != kNone; at = (at + 1) & mask_) {
    const size_t home = cells_[at].tag & mask_;
    if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
    cells_[hole] = cells_[at];
    hole = at;
  }
  cells_[hole].slot = kNone;
  size_ -= 1;
}

}  // namespace grape::search
