#include "slots.h"

#include "failure-code.h"

namespace grape::search {

uint16_t SlotClasses::Number(uint16_t shard, uint32_t generation) {
  const uint64_t key = Key(shard, generation);
  const auto found = numbers_.find(key);
  if (found != numbers_.end()) return found->second;
  if (live_.size() == kClassesMax) throw Full("too many generations of shards in one index");
  live_.push_back(0);
  const auto number = static_cast<uint16_t>(live_.size() - 1);
  numbers_.emplace(key, number);
  return number;
}

size_t SlotClasses::Admit(const std::vector<uint64_t>& keys, std::vector<uint8_t>* admitted) const {
  admitted->assign(live_.size(), 0);
  size_t live = 0;
  for (const uint64_t key : keys) {
    const auto found = numbers_.find(key);
    if (found == numbers_.end() || (*admitted)[found->second] != 0) continue;
    (*admitted)[found->second] = 1;
    live += static_cast<size_t>(live_[found->second]);
  }
  return live;
}

}  // namespace grape::search
