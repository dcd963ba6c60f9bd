#include "pool.h"

#include <algorithm>
#include <thread>

namespace grape {

namespace {
constexpr size_t kScanThreads = 2;
constexpr size_t kLongThreads = 2;
}  // namespace

Pool::Pool()
    : short_("grape-short", std::max(1U, std::thread::hardware_concurrency()), kLaneTasksMax),
      scan_("grape-scan", kScanThreads, kLaneTasksMax),
      long_("grape-long", kLongThreads, kLaneTasksMax) {}

Pool& Pool::Get() {
  // Never destroyed: its threads wait until the process ends, and static destructors would run under them.
  static Pool* const pool = new Pool();
  return *pool;
}

}  // namespace grape
