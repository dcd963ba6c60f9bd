#pragma once

#include <atomic>
#include <memory>

#include "../lane.h"
#include "index.h"

namespace grape::search {

/** One thread for the process: batches of one index are applied in the order of their calls. */
Lane& ApplyLane();

/**
 * An index whose new slots are linked in the background, in short turns, so that all indexes of the process share fairly
 * what linking may take: what others leave of the processors, and when many slots wait half a core.
 */
class LiveIndex : public std::enable_shared_from_this<LiveIndex> {
 public:
  /** When the last owner lets go, the memory is given back on the long lane: that takes a while. */
  static std::shared_ptr<LiveIndex> Make(std::unique_ptr<Index> index);

  Index& index() { return *index_; }

  /** After new slots were added. From any thread. */
  void StartLinking();

  /** No more linking, soon. */
  void Stop() { stopped_ = true; }

 private:
  explicit LiveIndex(std::unique_ptr<Index> index) : index_(std::move(index)) {}

  void Turn(bool urgent);

  const std::unique_ptr<Index> index_;
  /** A turn is queued or under way. */
  std::atomic<bool> linking_{false};
  std::atomic<bool> stopped_{false};
};

}  // namespace grape::search
