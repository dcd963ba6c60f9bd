#pragma once

#include <cstddef>

#include "lane.h"

namespace grape {

/** Calls that wait in one lane; over it a call fails with `POOL_FULL` and nothing has happened. */
constexpr size_t kLaneTasksMax = 16'384;
constexpr size_t kPoolThreadsMax = 1'024;

/**
 * The process's threads for native work, shared by all JavaScript threads. Three lanes, so that no kind of work starves
 * another: a flush waits for the disk for seconds, a search may not.
 */
class Pool {
 public:
  static Pool& Get();

  /** Short work whose caller waits: searches, key look-ups. `[server] worker_threads` threads. */
  Lane& Short() { return short_; }
  /** One bounded chunk of a longer read: iterators. */
  Lane& Scan() { return scan_; }
  /** Work of unknown length: open, flush, checkpoint, close, building, saving and loading an index. */
  Lane& Long() { return long_; }

  /** Sets the threads of the short lane: 1 to `kPoolThreadsMax`. */
  void Resize(size_t threads) { short_.Resize(threads); }

 private:
  Pool();

  Lane short_;
  Lane scan_;
  Lane long_;
};

}  // namespace grape
