#include "live-index.h"

#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include "../pool.h"
#include "calm.h"

namespace grape::search {

namespace {

using Clock = std::chrono::steady_clock;

/** Points that are linked while nobody can save the graph. */
constexpr size_t kMicroBatch = 32;
constexpr auto kTurn = std::chrono::milliseconds(5);
/** A turn of an index whose graph is being saved. */
constexpr auto kBlockedTurn = std::chrono::milliseconds(1);

/**
 * From so many slots on, which a search scans in a few times what a walk would take it, linking no longer waits for what
 * others leave: on a busy machine that would be nothing, and the scans would keep it busy. Half a core then.
 */
constexpr size_t kUrgentSlots = 16'000;

/** One thread each, for the process. Never destroyed, like the pool. */
Lane& CalmLane() {
  static Lane* const lane = new Lane("grape-link", 1, kLaneTasksMax);
  return *lane;
}
Lane& UrgentLane() {
  static Lane* const lane = new Lane("grape-link-now", 1, kLaneTasksMax);
  return *lane;
}

}  // namespace

Lane& ApplyLane() {
  static Lane* const lane = new Lane("grape-apply", 1, kLaneTasksMax);
  return *lane;
}

std::shared_ptr<LiveIndex> LiveIndex::Make(std::unique_ptr<Index> index) {
  const auto release = [](LiveIndex* live) {
    const auto pushed = Pool::Get().Long().TryPush([live] { delete live; });
    if (pushed != Lane::Push::kAccepted) delete live;
  };
  return std::shared_ptr<LiveIndex>(new LiveIndex(std::move(index)), release);
}

void LiveIndex::StartLinking() {
  if (stopped_ || !index_->CanLink() || linking_.exchange(true)) return;
  const bool urgent = index_->Unlinked() >= kUrgentSlots;
  const auto turn = [self = shared_from_this(), urgent] { self->Turn(urgent); };
  // A full lane refuses: then the next batch tries again.
  if ((urgent ? UrgentLane() : CalmLane()).TryPush(turn) != Lane::Push::kAccepted) linking_ = false;
}

void LiveIndex::Turn(bool urgent) {
  const bool rests = urgent || !YieldsToOthers();
  const auto begin = Clock::now();
  auto worked = Clock::duration::zero();
  try {
    while (!stopped_ && worked < kTurn && index_->Link(kMicroBatch) > 0) worked = Clock::now() - begin;
  } catch (const std::bad_alloc&) {
    // The index remembers it, and its statistics tell.
  }
  if (!stopped_ && index_->CanLink()) {
    if (worked == Clock::duration::zero()) std::this_thread::sleep_for(kBlockedTurn);
    if (rests) std::this_thread::sleep_for(worked);
  }
  linking_ = false;
  // Also for a batch that was applied after the last look, and found this turn still under way.
  StartLinking();
}

}  // namespace grape::search
