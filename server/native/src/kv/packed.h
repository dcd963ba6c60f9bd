#pragma once

#include <rocksdb/slice.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace grape {

/** Length of a value that does not exist, in a packed answer. */
constexpr uint32_t kMissing = 0xffffffff;

/** Reads the packed format of `server/src/native/packed.ts`: u8, and u32 little-endian lengths before bytes. */
class PackedReader {
 public:
  PackedReader(const uint8_t* data, size_t size) : at_(reinterpret_cast<const char*>(data)), left_(size) {}

  bool empty() const { return left_ == 0; }

  /** The readers return false at a truncated field and stay where they are. */
  bool U8(uint8_t* value) {
    if (left_ < 1) return false;
    *value = static_cast<uint8_t>(*at_);
    Skip(1);
    return true;
  }

  bool Bytes(rocksdb::Slice* bytes) {
    uint32_t size;
    if (left_ < sizeof(size)) return false;
    std::memcpy(&size, at_, sizeof(size));
    if (left_ - sizeof(size) < size) return false;
    *bytes = rocksdb::Slice(at_ + sizeof(size), size);
    Skip(sizeof(size) + size);
    return true;
  }

 private:
  void Skip(size_t bytes) {
    at_ += bytes;
    left_ -= bytes;
  }

  const char* at_;
  size_t left_;
};

inline void AppendU32(std::string* to, uint32_t value) {
  to->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the packed format is little-endian");

}  // namespace grape
