#pragma once

#include <cstddef>
#include <cstdint>

namespace grape::search {

/**
 * Rows of one size, numbered from 0, that never move: a reader keeps no lock while rows are added. Segment k holds
 * 256 << k rows, so that a small store is small and a large one lies in few large pieces. New rows are zero.
 *
 * One writer calls `Reserve`; a reader may use a row after it learned through an atomic that the row exists.
 */
class RowStore {
 public:
  /** `row_bytes` > 0. `hot`: random access all the time; large pieces ask for huge pages. */
  RowStore(size_t row_bytes, bool hot) : row_bytes_(row_bytes), hot_(hot) {}
  RowStore(const RowStore&) = delete;
  RowStore& operator=(const RowStore&) = delete;
  ~RowStore();

  /** Makes rows 0 to `rows` - 1 usable; throws `std::bad_alloc` and has changed nothing that is visible then. */
  void Reserve(size_t rows);

  template <typename T = uint8_t>
  T* Row(size_t row) const {
    const size_t shifted = row + kFirstRows;
    const int segment = kTopBit - __builtin_clzll(shifted);
    return reinterpret_cast<T*>(segments_[segment] + (shifted - (kFirstRows << segment)) * row_bytes_);
  }

  size_t row_bytes() const { return row_bytes_; }

  /** The rows from `row` on that lie behind each other in memory, at most `rows`. */
  size_t Contiguous(size_t row, size_t rows) const;

 private:
  static constexpr size_t kFirstRows = 256;
  /** 63 less the bits of `kFirstRows` - 1: the segment is the highest bit of a shifted row, counted from there. */
  static constexpr int kTopBit = 63 - 8;
  static constexpr size_t kSegmentsMax = 24;

  size_t SegmentBytes(size_t segment) const { return (kFirstRows << segment) * row_bytes_; }

  const size_t row_bytes_;
  const bool hot_;
  size_t segments_used_ = 0;
  uint8_t* segments_[kSegmentsMax] = {};
};

}  // namespace grape::search
