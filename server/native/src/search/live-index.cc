#include "live-index.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <new>
#include <thread>
#include <utility>

#include "../pool.h"

namespace grape::search {

namespace {

using Clock = std::chrono::steady_clock;

/** Points that are linked while nobody can save the graph. */
constexpr size_t kMicroBatch = 32;
constexpr auto kTurn = std::chrono::milliseconds(5);
/** Searches scan this many unlinked slots in less time than they need for the graph. */
constexpr size_t kCalmSlots = 1'000;

/** Linking takes what searches, writes and the main thread leave of the processors. */
constexpr int kLinkingNice = 15;

/** On the thread of the link lane, once. Refused (a container without the right)? Then it links at normal priority. */
void YieldToOthers() {
  static thread_local const int result = setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kLinkingNice);
  static_cast<void>(result);
}

/** Never destroyed, like the pool. */
Lane& LinkLane() {
  static Lane* const lane = new Lane("grape-link", 1, kLaneTasksMax);
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
  // A full lane refuses: then the next batch tries again.
  if (LinkLane().TryPush([self = shared_from_this()] { self->Turn(); }) != Lane::Push::kAccepted) linking_ = false;
}

void LiveIndex::Turn() {
  YieldToOthers();
  const auto begin = Clock::now();
  auto worked = Clock::duration::zero();
  try {
    while (!stopped_ && worked < kTurn && index_->Link(kMicroBatch) > 0) worked = Clock::now() - begin;
  } catch (const std::bad_alloc&) {
    // The index remembers it, and its statistics tell.
  }
  if (!stopped_ && worked >= kTurn && index_->Unlinked() < kCalmSlots) std::this_thread::sleep_for(worked);
  linking_ = false;
  // Also for a batch that was applied after the last look, and found this turn still under way.
  StartLinking();
}

}  // namespace grape::search
