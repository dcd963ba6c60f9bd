#include "calm.h"

#include <sched.h>

#include "../pool.h"

namespace grape::search {

bool YieldsToOthers() {
  static thread_local const bool yields = [] {
    const sched_param none{};
    return sched_setscheduler(0, SCHED_IDLE, &none) == 0;
  }();
  return yields;
}

Lane& MeasureLane() {
  // Never destroyed, like the pool.
  static Lane* const lane = new Lane("grape-measure", 1, kLaneTasksMax);
  return *lane;
}

}  // namespace grape::search
