#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "row-store.h"

namespace grape::search {

/**
 * The neighbour lists that searches read, while the linker changes them: each element is an atomic of its own, so that a
 * list may be seen half old and half new, but every number in it is a slot that is ready to be visited. Lists end with
 * the first zero; numbers are kept plus one.
 */
class Graph {
 public:
  /** Levels above the lowest. FAISS draws at most about 9 / log10(m) of them. */
  static constexpr int kLevelsMax = 64;

  struct Entry {
    uint32_t slot;
    /** 0 is the lowest level; negative: the graph is empty. */
    int level;
  };

  explicit Graph(size_t m)
      : m_(m),
        lowest_(2 * m * sizeof(Link), true),
        upper_at_(sizeof(uint32_t), false),
        upper_(m * sizeof(Link), false) {}

  size_t width(int level) const { return level == 0 ? 2 * m_ : m_; }

  /** On the linking thread: room for slots 0 to `slots` - 1. */
  void Reserve(size_t slots) {
    lowest_.Reserve(slots);
    upper_at_.Reserve(slots);
  }

  /** On the linking thread, before the slot is in any list: its lists on levels 1 to `levels`. */
  void AddUpper(uint32_t slot, int levels) {
    if (levels == 0) return;
    upper_.Reserve(upper_used_ + levels);
    *upper_at_.Row<uint32_t>(slot) = static_cast<uint32_t>(upper_used_);
    upper_used_ += levels;
  }

  /** On the linking thread: sets a list of at most `width(level)` slots, which ends at the first negative number. */
  void Publish(uint32_t slot, int level, const int32_t* slots) {
    Link* const list = List(slot, level);
    for (size_t i = 0; i < width(level); ++i) {
      list[i].store(static_cast<uint32_t>(slots[i] + 1), std::memory_order_release);
      if (slots[i] < 0) return;
    }
  }

  void SetEntry(uint32_t slot, int level) {
    entry_.store(static_cast<uint64_t>(level + 1) << 32 | slot, std::memory_order_release);
  }
  Entry GetEntry() const {
    const uint64_t entry = entry_.load(std::memory_order_acquire);
    return {static_cast<uint32_t>(entry), static_cast<int>(entry >> 32) - 1};
  }

  /** The neighbours into `to`, which has room for `width(level)`; returns their number. */
  size_t Read(uint32_t slot, int level, uint32_t* to) const {
    const Link* const list = List(slot, level);
    const size_t room = width(level);
    size_t count = 0;
    for (; count < room; ++count) {
      const uint32_t link = list[count].load(std::memory_order_acquire);
      if (link == 0) break;
      to[count] = link - 1;
    }
    return count;
  }

  void Prefetch(uint32_t slot) const {
    const auto* const list = lowest_.Row(slot);
    for (size_t at = 0; at < lowest_.row_bytes(); at += 64) __builtin_prefetch(list + at);
  }

  size_t BytesOf(size_t slots) const {
    return slots * (lowest_.row_bytes() + upper_at_.row_bytes()) + upper_used_ * upper_.row_bytes();
  }

 private:
  using Link = std::atomic<uint32_t>;
  static_assert(sizeof(Link) == sizeof(uint32_t) && Link::is_always_lock_free, "links lie in zeroed rows");

  Link* List(uint32_t slot, int level) const {
    if (level == 0) return lowest_.Row<Link>(slot);
    return upper_.Row<Link>(*upper_at_.Row<uint32_t>(slot) + level - 1);
  }

  const size_t m_;
  RowStore lowest_;
  /** Row of the slot's level 1 in `upper_`; meaningful for slots that are in a list of level 1. */
  RowStore upper_at_;
  RowStore upper_;
  std::atomic<size_t> upper_used_{0};
  std::atomic<uint64_t> entry_{0};
};

}  // namespace grape::search
