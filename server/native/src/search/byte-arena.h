#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace grape::search {

/** Bytes that are added and stay where they are. One writer. */
class ByteArena {
 public:
  /** Afterwards `Add` of `bytes` altogether, in pieces of at most `piece_max`, does not allocate. */
  void Reserve(size_t bytes, size_t piece_max) {
    const size_t left = blocks_.empty() ? 0 : kBlockBytes - used_;
    // Each block may end with a piece that did not fit.
    const size_t needed = bytes <= left ? 0 : (bytes - left) / (kBlockBytes - piece_max) + 2;
    blocks_.reserve(blocks_.size() + spare_.size() + needed);
    spare_.reserve(needed + 1);
    while (spare_.size() < needed) spare_.push_back(std::make_unique<uint8_t[]>(kBlockBytes));
  }

  /** Copies a reserved piece. */
  const uint8_t* Add(const uint8_t* piece, size_t bytes) {
    if (blocks_.empty() || kBlockBytes - used_ < bytes) {
      blocks_.push_back(std::move(spare_.back()));
      spare_.pop_back();
      used_ = 0;
    }
    uint8_t* const copy = blocks_.back().get() + used_;
    std::memcpy(copy, piece, bytes);
    used_ += bytes;
    return copy;
  }

  size_t bytes() const { return blocks_.size() * kBlockBytes; }

 private:
  static constexpr size_t kBlockBytes = 16 << 10;

  std::vector<std::unique_ptr<uint8_t[]>> blocks_;
  std::vector<std::unique_ptr<uint8_t[]>> spare_;
  size_t used_ = 0;
};

}  // namespace grape::search
