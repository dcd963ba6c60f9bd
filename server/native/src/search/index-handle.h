#pragma once

#include <napi.h>

#include <memory>
#include <utility>

#include "live-index.h"

namespace grape::search {

/** Batches that wait to be applied to one index, in calls and in bytes; over it a call fails with `INDEX_BUSY`. */
constexpr size_t kAppliesQueuedMax = 4'096;
constexpr size_t kApplyBytesQueuedMax = 256u << 20;

/** What JavaScript holds of an index. All methods are for its thread; jobs keep the index itself. */
class IndexHandle {
 public:
  static constexpr napi_type_tag kTag{0x67726170652d6978, 0x41d8a2c95f0e7b36};

  explicit IndexHandle(std::shared_ptr<LiveIndex> index) : index_(std::move(index)) {}

  /** Null when closed. */
  const std::shared_ptr<LiveIndex>& index() const { return index_; }

  /** Calls under way go on; the memory is given back behind the last of them. */
  void Close() {
    if (index_ != nullptr) index_->Stop();
    index_.reset();
  }
  void Collected(Napi::Env) { Close(); }

  /** False when the queue has no room for another batch of this many bytes. */
  bool ReserveApply(size_t bytes) {
    if (applies_queued_ >= kAppliesQueuedMax) return false;
    // A single batch of any size has its place in an empty queue.
    if (applies_queued_ > 0 && apply_bytes_queued_ + bytes > kApplyBytesQueuedMax) return false;
    applies_queued_ += 1;
    apply_bytes_queued_ += bytes;
    return true;
  }
  void ReleaseApply(size_t bytes) {
    applies_queued_ -= 1;
    apply_bytes_queued_ -= bytes;
  }

 private:
  std::shared_ptr<LiveIndex> index_;
  size_t applies_queued_ = 0;
  size_t apply_bytes_queued_ = 0;
};

}  // namespace grape::search
