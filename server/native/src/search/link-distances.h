#pragma once

#include <faiss/impl/DistanceComputer.h>

#include <cstdint>
#include <memory>

#include "coding.h"
#include "slots.h"

namespace grape::search {

/** The distances of codes by which a graph is linked; FAISS calls a slot's number its index. */
class LinkDistances : public faiss::DistanceComputer {
 public:
  static std::unique_ptr<LinkDistances> Of(const Coding& coding, const SlotStore& slots);

  /** The slot whose distances are asked for next. */
  virtual void SetSlot(uint32_t slot) = 0;

  /** FAISS does not call this when it links. */
  void set_query(const float*) final {}
};

}  // namespace grape::search
