#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "failure-code.h"

namespace grape::search {

/** Little-endian numbers one after the other, at any address. */
class ByteSource {
 public:
  ByteSource(const uint8_t* data, size_t size) : at_(data), left_(size) {}

  bool empty() const { return left_ == 0; }

  /** Throws `INDEX_INVALID_ARGUMENT` at the end. */
  const uint8_t* Bytes(size_t bytes) {
    if (left_ < bytes) throw InvalidArgument("truncated bytes");
    const uint8_t* const taken = at_;
    at_ += bytes;
    left_ -= bytes;
    return taken;
  }

  template <typename T>
  T Take() {
    T value;
    std::memcpy(&value, Bytes(sizeof(value)), sizeof(value));
    return value;
  }

 private:
  const uint8_t* at_;
  size_t left_;
};

}  // namespace grape::search
