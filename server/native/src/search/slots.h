#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "batch.h"
#include "byte-arena.h"
#include "codes.h"
#include "metric.h"
#include "row-store.h"
#include "slot-map.h"

namespace grape::search {

/** Bytes of an id key. */
constexpr size_t kIdBytesMax = 520;
/** Slots of one index, dead ones included. Two bits of a 32-bit slot number are free for flags. */
constexpr size_t kSlotsMax = size_t{1} << 30;
/** (shard, generation) pairs that one index has ever held. */
constexpr size_t kClassesMax = 65'535;

/** Which point a slot is. */
struct Slot {
  const uint8_t* id;
  /** A newer version of the point with the same vector keeps the slot; the rest is constant. */
  std::atomic<uint64_t> version;
  uint32_t generation;
  uint16_t shard;
  uint16_t id_bytes : 15;
  /** The id was given as a number; the key is the same. */
  uint16_t is_integer : 1;

  void Set(const ChangeRecord& change, const uint8_t* its_id) {
    id = its_id;
    version.store(change.version, std::memory_order_relaxed);
    generation = change.generation;
    shard = change.shard;
    id_bytes = change.id_bytes & 0x7fff;
    is_integer = change.is_integer ? 1 : 0;
  }

  bool SameId(const uint8_t* other, size_t bytes) const {
    return id_bytes == bytes && std::memcmp(id, other, bytes) == 0;
  }
};

/** The order of equal scores: by the bytes of the id, a prefix first; then by shard and generation. */
inline bool IdBefore(const Slot& a, const Slot& b) {
  const int order = std::memcmp(a.id, b.id, a.id_bytes < b.id_bytes ? a.id_bytes : b.id_bytes);
  if (order != 0) return order < 0;
  if (a.id_bytes != b.id_bytes) return a.id_bytes < b.id_bytes;
  return a.shard != b.shard ? a.shard < b.shard : a.generation < b.generation;
}

/** The rows of all slots; they never move. One writer, see `RowStore`. */
class SlotStore {
 public:
  SlotStore(size_t dimension, size_t record_bytes)
      : vectors_(dimension * sizeof(float), false),
        codes_(record_bytes, true),
        slots_(sizeof(Slot), false),
        classes_(sizeof(uint16_t), false) {}

  void Reserve(size_t slots) {
    vectors_.Reserve(slots);
    codes_.Reserve(slots);
    slots_.Reserve(slots);
    classes_.Reserve(slots);
  }

  float* Vector(size_t slot) const { return vectors_.Row<float>(slot); }
  CodeRecord& Code(size_t slot) const { return *codes_.Row<CodeRecord>(slot); }
  Slot& At(size_t slot) const { return *slots_.Row<Slot>(slot); }
  /** The same as in the code record, dense for scans. */
  uint16_t& Class(size_t slot) const { return *classes_.Row<uint16_t>(slot); }

  /** How many of the vectors, or classes, from `slot` on lie behind each other. */
  size_t ContiguousVectors(size_t slot, size_t slots) const { return vectors_.Contiguous(slot, slots); }
  size_t ContiguousClasses(size_t slot, size_t slots) const { return classes_.Contiguous(slot, slots); }

  size_t BytesOfCode() const { return codes_.row_bytes(); }
  size_t BytesOfVector() const { return vectors_.row_bytes(); }
  size_t BytesOfSlot() const {
    return vectors_.row_bytes() + codes_.row_bytes() + slots_.row_bytes() + classes_.row_bytes();
  }

 private:
  RowStore vectors_;
  RowStore codes_;
  RowStore slots_;
  RowStore classes_;
};

/** Numbers for the (shard, generation) pairs and how many live slots each has. Its owner locks. */
class SlotClasses {
 public:
  static uint64_t Key(uint16_t shard, uint32_t generation) { return static_cast<uint64_t>(shard) << 32 | generation; }

  /** The pair's number, new if need be; throws `INDEX_FULL`. */
  uint16_t Number(uint16_t shard, uint32_t generation);

  /** Marks the classes of the pairs in `admitted` (resized to all classes); returns their live slots. */
  size_t Admit(const std::vector<uint64_t>& keys, std::vector<uint8_t>* admitted) const;

  void AddLive(uint16_t number, int64_t change) { live_[number] += change; }

 private:
  std::unordered_map<uint64_t, uint16_t> numbers_;
  std::vector<int64_t> live_;
};

}  // namespace grape::search
