#include "batch.h"

#include "failure-code.h"
#include "slots.h"

namespace grape::search {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "batches and files are little-endian");

ChangeRecord BatchReader::Next() {
  ChangeRecord record{};
  const uint8_t change = source_.Take<uint8_t>();
  if (change < 1 || change > 5) throw InvalidArgument("an unknown change in a batch");
  record.change = static_cast<Change>(change);
  record.is_integer = source_.Take<uint8_t>() != 0;
  record.shard = source_.Take<uint16_t>();
  record.generation = source_.Take<uint32_t>();
  record.version = source_.Take<uint64_t>();
  record.id_bytes = source_.Take<uint16_t>();
  if (record.id_bytes > kIdBytesMax) throw InvalidArgument("an id is too long");
  record.id = source_.Bytes(record.id_bytes);
  switch (record.change) {
    case Change::kUpsert:
      record.vector = source_.Bytes(vector_bytes_);
      break;
    case Change::kValues:
      record.field = source_.Take<uint16_t>();
      record.value_bytes = source_.Take<uint32_t>();
      record.values = source_.Bytes(record.value_bytes);
      break;
    case Change::kDropField:
      record.field = source_.Take<uint16_t>();
      break;
    case Change::kRemove:
    case Change::kDropShard:
      break;
  }
  return record;
}

}  // namespace grape::search
