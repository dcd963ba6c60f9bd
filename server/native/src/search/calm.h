#pragma once

#include "../lane.h"

namespace grape::search {

/**
 * The calling thread takes what searches, writes and the main thread leave of the processors: whoever of them wakes up takes
 * over at once, which nice 19 does not promise. Once is enough. False where the system refuses it.
 */
bool YieldsToOthers();

/** For what has time: one thread that yields to others. */
Lane& MeasureLane();

}  // namespace grape::search
