#include "index.h"

#include <cstring>

#include "failure-code.h"

namespace grape::search {

namespace {

/** Slots of a filter that are looked at one by one. */
constexpr size_t kCountedMax = 4'096;

const IndexOptions& Checked(const IndexOptions& options) {
  const bool valid = options.dimension >= 1 && options.dimension <= kDimensionMax && options.graph.m >= kMMin &&
                     options.graph.m <= kMMax && options.graph.ef_construction >= 1 &&
                     options.graph.ef_construction <= kEfConstructionMax;
  if (!valid) throw InvalidArgument("the options of an index are out of range");
  return options;
}

}  // namespace

Index::Index(const IndexOptions& options)
    : options_(Checked(options)),
      coding_(options.metric, options.dimension, options.code, options.rotation_seed),
      slots_(options.dimension, coding_.record_bytes()),
      graph_(options.graph.m),
      linker_(coding_, options.graph, slots_, &graph_) {}

void Index::Apply(const uint8_t* batch, size_t size) {
  const std::lock_guard<std::mutex> lock(apply_mutex_);
  // What can fail comes first: a batch is applied as a whole or not at all.
  Reserve(Check(batch, size));
  for (BatchReader reader(batch, size, options_.dimension); !reader.empty();) {
    const ChangeRecord change = reader.Next();
    switch (change.change) {
      case Change::kUpsert:
        Upsert(change);
        break;
      case Change::kRemove:
        Remove(change);
        break;
      case Change::kDropShard:
        DropShard(change.shard);
        break;
      case Change::kValues:
        SetValues(change);
        break;
      case Change::kDropField:
        fields_.Drop(change.field);
        break;
    }
  }
  Publish();
}

Index::Needs Index::Check(const uint8_t* batch, size_t size) {
  Needs needs;
  std::vector<float> vector(options_.dimension);
  for (BatchReader reader(batch, size, options_.dimension); !reader.empty();) {
    const ChangeRecord change = reader.Next();
    if (change.change == Change::kValues) FieldIndex::Check(change.values, change.value_bytes);
    if (change.change != Change::kUpsert) continue;
    std::memcpy(vector.data(), change.vector, vector.size() * sizeof(float));
    if (!IsFinite(vector.data(), vector.size())) throw InvalidArgument("a vector has a number that is not finite");
    live_changes_.resize(std::max<size_t>(live_changes_.size(), ClassOf(change) + 1));
    needs.upserts += 1;
    needs.id_bytes += change.id_bytes;
  }
  if (slots_written_ + needs.upserts > kSlotsMax) throw Full("an index has no room for more slots");
  return needs;
}

uint16_t Index::ClassOf(const ChangeRecord& change) {
  const uint64_t key = SlotClasses::Key(change.shard, change.generation);
  if (key != last_class_key_) {
    const std::lock_guard<std::mutex> lock(state_mutex_);
    last_class_ = classes_.Number(change.shard, change.generation);
    last_class_key_ = key;
  }
  return last_class_;
}

void Index::Reserve(const Needs& needs) {
  slots_.Reserve(slots_written_ + needs.upserts);
  ids_.Reserve(needs.id_bytes, kIdBytesMax);
  map_.Reserve(needs.upserts);
}

void Index::Upsert(const ChangeRecord& change) {
  const auto slot = static_cast<uint32_t>(slots_written_);
  const uint64_t hash = map_.Hash(change.shard, change.id, change.id_bytes);
  const uint32_t old = Find(hash, change);
  if (old == SlotMap::kNone) {
    Append(change);
    map_.Insert(hash, slot);
    return;
  }
  Slot& known = slots_.At(old);
  if (known.generation == change.generation) {
    if (known.version > change.version) return;
    // The same point again, of this version or a newer one, needs no other slot and no linking.
    if (known.is_integer == (change.is_integer ? 1 : 0) &&
        std::memcmp(slots_.Vector(old), change.vector, options_.dimension * sizeof(float)) == 0) {
      known.version.store(change.version, std::memory_order_relaxed);
      return;
    }
  }
  Append(change);
  map_.Replace(hash, old, slot);
  Kill(old);
}

void Index::Remove(const ChangeRecord& change) {
  const uint64_t hash = map_.Hash(change.shard, change.id, change.id_bytes);
  const uint32_t slot = Find(hash, change);
  if (slot == SlotMap::kNone) return;
  const Slot& known = slots_.At(slot);
  if (known.generation == change.generation && known.version > change.version) return;
  map_.Remove(hash, slot);
  Kill(slot);
}

void Index::DropShard(uint16_t shard) {
  for (uint32_t slot = 0; slot < slots_written_; ++slot) {
    const Slot& known = slots_.At(slot);
    if (known.shard != shard || slots_.Code(slot).death.load(std::memory_order_relaxed) != kAlive) continue;
    map_.Remove(map_.Hash(shard, known.id, known.id_bytes), slot);
    Kill(slot);
  }
}

/** Of the version that the slot has; those of another one come, or came, with it. */
void Index::SetValues(const ChangeRecord& change) {
  const uint32_t slot = Find(map_.Hash(change.shard, change.id, change.id_bytes), change);
  if (slot == SlotMap::kNone) return;
  const Slot& known = slots_.At(slot);
  if (known.generation != change.generation || known.version != change.version) return;
  fields_.Add(change.field, slot, change.values, change.value_bytes);
}

uint32_t Index::Find(uint64_t hash, const ChangeRecord& change) const {
  return map_.Find(hash, [&](uint32_t slot) {
    const Slot& known = slots_.At(slot);
    return known.shard == change.shard && known.SameId(change.id, change.id_bytes);
  });
}

void Index::Append(const ChangeRecord& change) {
  const uint16_t slot_class = ClassOf(change);
  const size_t slot = slots_written_++;
  slots_.At(slot).Set(change, ids_.Add(change.id, change.id_bytes));
  std::memcpy(slots_.Vector(slot), change.vector, options_.dimension * sizeof(float));
  CodeRecord& record = slots_.Code(slot);
  coding_.Encode(slots_.Vector(slot), &record);
  record.slot_class = slot_class;
  record.death.store(kAlive, std::memory_order_relaxed);
  slots_.Class(slot) = slot_class;
  live_changes_[slot_class] += 1;
}

/** Searches that see this batch do not see the slot, earlier ones still do. */
void Index::Kill(uint32_t slot) {
  CodeRecord& record = slots_.Code(slot);
  // Only batches change the epoch, and this one holds the lock for them.
  record.death.store(epoch_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  live_changes_[record.slot_class] -= 1;
}

void Index::Publish() {
  const std::lock_guard<std::mutex> lock(state_mutex_);
  epoch_ += 1;
  for (size_t i = 0; i < live_changes_.size(); ++i) {
    if (live_changes_[i] == 0) continue;
    classes_.AddLive(static_cast<uint16_t>(i), live_changes_[i]);
    live_ += static_cast<size_t>(live_changes_[i]);
    live_changes_[i] = 0;
  }
  map_bytes_ = map_.bytes() + ids_.bytes() + fields_.bytes();
  slots_published_.store(slots_written_, std::memory_order_release);
}

void Index::See(const SearchOptions& options, View* view) const {
  const std::lock_guard<std::mutex> lock(state_mutex_);
  view->epoch = epoch_.load(std::memory_order_relaxed);
  view->slots = slots_published_.load(std::memory_order_relaxed);
  view->admissible = classes_.Admit(options.shards, &view->admitted);
}

/** Exact where it decides how to search: few. */
size_t Index::CountAdmissible(const View& view) const {
  const size_t count = view.filter->Count();
  if (count > kCountedMax) return std::max<size_t>(1, count * view.admissible / view.slots);
  size_t admissible = 0;
  view.filter->ForEach(0, [&](uint32_t slot) { admissible += view.Admits(slot, slots_.Code(slot)) ? 1 : 0; });
  return admissible;
}

Plan Index::Search(const float* query, const SearchOptions& options, std::vector<Hit>* hits) const {
  Scratch& scratch = Scratch::OfThread();
  // In this order: the linker leaves out what had died by then, and the view must not be from before that.
  const size_t linked = linker_.linked();
  See(options, &scratch.view);
  scratch.view.filter.reset();
  Plan plan;
  plan.points = scratch.view.admissible;
  if (!options.filter.empty() && scratch.view.admissible > 0) {
    scratch.view.filter = fields_.Evaluate(options.filter.data(), options.filter.size(), scratch.view.slots);
    scratch.view.admissible = CountAdmissible(scratch.view);
  }
  plan.admissible = scratch.view.admissible;
  plan.way = Searcher(coding_, slots_, graph_, linked, &scratch).Search(query, options, hits);
  return plan;
}

FieldCounts Index::CountField(uint16_t field, const std::vector<uint64_t>& shards) const {
  View view;
  See({1, 1, true, shards}, &view);
  return fields_.Count(field, [&](uint32_t slot) { return slot < view.slots && view.Admits(slot, slots_.Code(slot)); });
}

size_t Index::Unlinked() const {
  // In this order: a slot that is linked has been published before.
  const size_t linked = linker_.linked();
  return slots_published_.load(std::memory_order_acquire) - linked;
}

size_t Index::Link(size_t count) {
  const std::unique_lock<std::mutex> lock(link_mutex_, std::try_to_lock);
  if (!lock.owns_lock() || link_failed_) return 0;
  const size_t linking = std::min(count, Unlinked());
  if (linking == 0) return 0;
  try {
    linker_.Link(linking, epoch_.load());
  } catch (...) {
    link_failed_ = true;
    throw;
  }
  return linking;
}

IndexStats Index::Stats() const {
  const size_t linked = linker_.linked();
  const std::lock_guard<std::mutex> lock(state_mutex_);
  const size_t slots = slots_published_.load(std::memory_order_relaxed);
  const size_t in_graph = std::min(linked, slots);
  IndexStats stats{};
  stats.slots = slots;
  stats.live = live_;
  stats.dead = slots - live_;
  stats.linked = in_graph;
  stats.unlinked = slots - in_graph;
  stats.code_bytes = slots * slots_.BytesOfCode();
  stats.original_bytes = slots * slots_.BytesOfVector();
  stats.graph_bytes = graph_.BytesOf(in_graph) + linker_.bytes();
  stats.bytes = slots * slots_.BytesOfSlot() + stats.graph_bytes + map_bytes_;
  stats.link_failed = link_failed_.load();
  return stats;
}

}  // namespace grape::search
