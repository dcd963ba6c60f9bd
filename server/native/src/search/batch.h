#pragma once

#include <cstddef>
#include <cstdint>

#include "byte-source.h"

namespace grape::search {

/** The numbers of `IndexBatch` in `server/src/native/vector-index-batch.ts`. */
enum class Change : uint8_t { kUpsert = 1, kRemove = 2, kDropShard = 3, kValues = 4, kDropField = 5 };

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
  /** Of `kValues` and `kDropField`. */
  uint16_t field = 0;
  /** Packed as `FieldIndex` reads them; null unless `kValues`. */
  const uint8_t* values = nullptr;
  uint32_t value_bytes = 0;
  /** Of `kUpsert`: the id was given as a number. */
  bool is_integer = false;
};

/**
 * Reads a packed batch: changes of `u8 change | u8 is integer | u16 shard | u32 generation | u64 version | u16 id bytes | id |
 * more`, little-endian; more is the vector of an upsert, `u16 field | u32 bytes | values` of values, `u16 field` of a field to drop.
 */
class BatchReader {
 public:
  BatchReader(const uint8_t* data, size_t size, size_t dimension)
      : source_(data, size), vector_bytes_(dimension * sizeof(float)) {}

  bool empty() const { return source_.empty(); }

  /** Throws `INDEX_INVALID_ARGUMENT` at what is no change. */
  ChangeRecord Next();

 private:
  ByteSource source_;
  const size_t vector_bytes_;
};

}  // namespace grape::search
