#pragma once

#include <cstddef>
#include <cstdint>

namespace grape::search {

/** The numbers of `IndexBatch` in `server/src/native/vector-index-batch.ts`. */
enum class Change : uint8_t { kUpsert = 1, kRemove = 2, kDropShard = 3 };

/** One change of a packed batch; pointers into the batch. */
struct ChangeRecord {
  Change change;
  uint16_t shard;
  uint16_t id_bytes;
  uint32_t generation;
  uint64_t version;
  const uint8_t* id;
  /** Little-endian float32 at any address; null unless `kUpsert`. */
  const uint8_t* vector;
};

/**
 * Reads a packed batch: changes of `u8 change | u8 0 | u16 shard | u32 generation | u64 version | u16 id bytes | id |
 * vector`, little-endian, the vector with upserts only.
 */
class BatchReader {
 public:
  BatchReader(const uint8_t* data, size_t size, size_t dimension)
      : at_(data), left_(size), vector_bytes_(dimension * sizeof(float)) {}

  bool empty() const { return left_ == 0; }

  /** Throws `INDEX_INVALID_ARGUMENT` at what is no change. */
  ChangeRecord Next();

 private:
  const uint8_t* Take(size_t bytes);

  const uint8_t* at_;
  size_t left_;
  const size_t vector_bytes_;
};

}  // namespace grape::search
