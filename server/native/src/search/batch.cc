#include "batch.h"

#include <cstring>

#include "failure-code.h"
#include "slots.h"

namespace grape::search {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "batches and files are little-endian");

namespace {

template <typename T>
T Load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

}  // namespace

const uint8_t* BatchReader::Take(size_t bytes) {
  if (left_ < bytes) throw InvalidArgument("a truncated batch");
  const uint8_t* const taken = at_;
  at_ += bytes;
  left_ -= bytes;
  return taken;
}

ChangeRecord BatchReader::Next() {
  constexpr size_t kFixedBytes = 18;
  const uint8_t* const fixed = Take(kFixedBytes);
  ChangeRecord record;
  record.change = static_cast<Change>(fixed[0]);
  record.shard = Load<uint16_t>(fixed + 2);
  record.generation = Load<uint32_t>(fixed + 4);
  record.version = Load<uint64_t>(fixed + 8);
  record.id_bytes = Load<uint16_t>(fixed + 16);
  if (fixed[0] < 1 || fixed[0] > 3) throw InvalidArgument("an unknown change in a batch");
  if (record.id_bytes > kIdBytesMax) throw InvalidArgument("an id is too long");
  record.id = Take(record.id_bytes);
  record.vector = record.change == Change::kUpsert ? Take(vector_bytes_) : nullptr;
  return record;
}

}  // namespace grape::search
