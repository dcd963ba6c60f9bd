#include "field-index.h"

#include <mutex>

#include "../byte-source.h"
#include "../failure-code.h"

namespace grape::search {

void FieldIndex::Check(const uint8_t* values, size_t size) {
  for (ByteSource source(values, size); !source.empty();) {
    switch (static_cast<ValueKind>(source.Take<uint8_t>())) {
      case ValueKind::kHash:
      case ValueKind::kMisfit:
        source.Take<uint64_t>();
        break;
      case ValueKind::kNumber:
        source.Take<double>();
        break;
      case ValueKind::kPlace:
        source.Take<double>();
        source.Take<double>();
        break;
      default:
        throw InvalidArgument("a value of an unknown kind");
    }
  }
}

void FieldIndex::Add(uint32_t slot, const uint8_t* values, size_t size) {
  if (slot >= marks_.size()) marks_.resize(slot + 1);
  // A slot whose payload was changed is counted by what it has now.
  marks_[slot] = 0;
  for (ByteSource source(values, size); !source.empty();) {
    const auto kind = static_cast<ValueKind>(source.Take<uint8_t>());
    marks_[slot] |= kind == ValueKind::kMisfit ? kMisfits : kFits;
    switch (kind) {
      case ValueKind::kHash:
      case ValueKind::kMisfit: {
        std::vector<uint32_t>& slots = hashes_[source.Take<uint64_t>()];
        if (!slots.empty() && slots.back() == slot) break;
        slots.push_back(slot);
        hashed_ += 1;
        break;
      }
      case ValueKind::kNumber:
        numbers_.Add({source.Take<double>(), slot});
        break;
      case ValueKind::kPlace: {
        const double latitude = source.Take<double>();
        places_.Add({latitude, source.Take<double>(), slot});
        break;
      }
    }
  }
}

void FieldIndex::FindHash(uint64_t hash, SlotBits* found) const {
  const auto slots = hashes_.find(hash);
  if (slots == hashes_.end()) return;
  for (const uint32_t slot : slots->second) found->Add(slot);
}

void FieldIndex::FindRange(double low, double high, SlotBits* found) const {
  numbers_.ForRange(low, high, [&](const Number& number) { found->Add(number.slot); });
}

void FieldIndex::FindBox(double south, double north, double west, double east, SlotBits* found) const {
  places_.ForRange(south, north, [&](const Place& place) {
    const bool is_east_of_west = place.longitude >= west;
    const bool is_west_of_east = place.longitude <= east;
    if (west <= east ? is_east_of_west && is_west_of_east : is_east_of_west || is_west_of_east) found->Add(place.slot);
  });
}

size_t FieldIndex::bytes() const {
  // A node of the table: the key, a vector, a hash and a pointer.
  constexpr size_t kBytesOfHash = 64;
  return hashes_.size() * kBytesOfHash + hashed_ * sizeof(uint32_t) * 3 / 2 + numbers_.bytes() + places_.bytes();
}

void FieldIndexes::Add(uint16_t field, uint32_t slot, const uint8_t* values, size_t size) {
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  fields_[field].Add(slot, values, size);
}

void FieldIndexes::Drop(uint16_t field) {
  const std::unique_lock<std::shared_mutex> lock(mutex_);
  fields_.erase(field);
}

size_t FieldIndexes::bytes() const {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  size_t bytes = 0;
  for (const auto& [number, field] : fields_) bytes += field.bytes();
  return bytes;
}

}  // namespace grape::search
