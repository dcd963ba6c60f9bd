// Adding, removing, linking, searching, saving and loading at the same time, without Node.js, to be run under
// ThreadSanitizer and AddressSanitizer: stress <seconds> <directory> [seed]. Half of the time with int8 codes, half with
// bits.
//
// Each writer owns some ids and writes down, for each, what it has begun and what is acknowledged; a search that began
// after an acknowledgement must see it.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "search/failure-code.h"
#include "search/fields/field-index.h"
#include "search/live-index.h"

namespace {

using namespace grape::search;
using Clock = std::chrono::steady_clock;

constexpr size_t kDimension = 20;
constexpr size_t kWriters = 2;
constexpr size_t kIdsPerWriter = 2'500;
constexpr size_t kIds = kWriters * kIdsPerWriter;
constexpr size_t kShards = 4;
/** A shard that is filled and dropped as a whole, all the time. */
constexpr uint16_t kDroppedShard = 9;
/** An index is left to its end, and another begun, at this size: above it few of the slots are alive, and searches would
 * scan them instead of walking through the graph. */
constexpr size_t kSlotsPerIndex = 15'000;
/** Writers wait for the linker, so that there is always a graph and always something to link. */
constexpr size_t kUnlinkedMax = 500;

/** What writers know of an id: version * 2, plus 1 when that version removed it. */
struct Known {
  std::atomic<uint64_t> begun{0};
  std::atomic<uint64_t> acknowledged{0};
  /** How often it was removed, counted when that begins. */
  std::atomic<uint64_t> removals{0};
};

/** The vector of a version of an id: any thread can make it again. Many points share one of a few vectors. */
std::vector<float> VectorOf(size_t id, uint64_t version) {
  if (version % 4 == 0) id = 0, version = version / 4 % 5;
  uint64_t state = id * 0x9e3779b97f4a7c15 + version * 0xd1b54a32d192ed03;
  std::vector<float> vector(kDimension);
  for (float& value : vector) {
    state = (state ^ (state >> 29)) * 0xbf58476d1ce4e5b9 + 1;
    value = static_cast<float>(static_cast<int64_t>((state >> 20) % 2001) - 1000) / 1000;
  }
  vector[0] += 0.25f;
  return vector;
}

void Append(std::string* batch, Change change, uint16_t shard, uint64_t version, const std::string& id,
            const std::vector<float>& vector) {
  const auto put = [&](auto value) { batch->append(reinterpret_cast<const char*>(&value), sizeof(value)); };
  put(static_cast<uint8_t>(change));
  put(uint8_t{0});
  put(shard);
  put(uint32_t{1});
  put(version);
  put(static_cast<uint16_t>(id.size()));
  batch->append(id);
  batch->append(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float));
}

/** Every version has its residue in this field of its payload. */
constexpr uint16_t kField = 1;
constexpr uint64_t kResidues = 5;
/** Is filled and dropped all the time. */
constexpr uint16_t kDroppedField = 2;

template <typename T>
void Put(std::vector<uint8_t>* to, T value) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(&value);
  to->insert(to->end(), bytes, bytes + sizeof(value));
}

/** One hash, the residue of the version. */
void AppendValues(std::string* batch, uint16_t field, uint16_t shard, uint64_t version, const std::string& id) {
  Append(batch, Change::kValues, shard, version, id, {});
  std::vector<uint8_t> values;
  Put(&values, field);
  Put(&values, static_cast<uint32_t>(1 + sizeof(uint64_t)));
  Put(&values, static_cast<uint8_t>(ValueKind::kHash));
  Put(&values, version % kResidues);
  batch->append(reinterpret_cast<const char*>(values.data()), values.size());
}

/** `FieldIndexes::Evaluate`: the hash of the residue. */
std::vector<uint8_t> HasResidue(uint64_t residue) {
  std::vector<uint8_t> program;
  Put(&program, uint8_t{3});
  Put(&program, kField);
  Put(&program, residue);
  return program;
}

struct World {
  std::shared_ptr<LiveIndex> live;
  std::vector<Known> known = std::vector<Known>(kIds);
  std::atomic<bool> ending{false};
  std::atomic<size_t> batches{0};
  std::atomic<size_t> searches{0};
  std::atomic<size_t> files{0};
  Clock::time_point end;
  std::string directory;

  Index& index() { return live->index(); }
  bool Over() { return ending || Clock::now() >= end; }
};

/** Every id once, and linked, so that the searches have a graph from the beginning. */
void Fill(World* world) {
  std::string batch;
  for (size_t id = 0; id < kIds; ++id) {
    Append(&batch, Change::kUpsert, static_cast<uint16_t>(id % kShards), 1, std::to_string(id), VectorOf(id, 1));
    AppendValues(&batch, kField, static_cast<uint16_t>(id % kShards), 1, std::to_string(id));
    world->known[id].begun = world->known[id].acknowledged = 2;
  }
  world->index().Apply(reinterpret_cast<const uint8_t*>(batch.data()), batch.size());
  while (world->index().Link(100) > 0 && Clock::now() < world->end) {}
}

void Write(World* world, size_t writer, uint64_t seed) {
  std::mt19937_64 random(seed);
  uint64_t version = 1;
  while (!world->Over()) {
    std::string batch;
    std::vector<std::pair<size_t, uint64_t>> changes;
    std::set<size_t> chosen;
    const size_t wanted = random() % 40 + 1;
    while (chosen.size() < wanted) chosen.insert(writer * kIdsPerWriter + random() % kIdsPerWriter);
    for (const size_t id : chosen) {
      version += 1;
      const bool removes = random() % 4 == 0;
      Append(&batch, removes ? Change::kRemove : Change::kUpsert, static_cast<uint16_t>(id % kShards), version,
             std::to_string(id), removes ? std::vector<float>() : VectorOf(id, version));
      for (const uint16_t field : {kField, kDroppedField}) {
        if (!removes) AppendValues(&batch, field, static_cast<uint16_t>(id % kShards), version, std::to_string(id));
      }
      changes.emplace_back(id, version * 2 + (removes ? 1 : 0));
    }
    if (writer == 0) {
      // Dropped and filled within one batch: searches see it whole, or not yet.
      if (random() % 8 == 0) Append(&batch, Change::kDropShard, kDroppedShard, 0, "", {});
      for (size_t i = 0; i < 3; ++i) {
        const size_t id = kIds + random() % 50;
        version += 1;
        Append(&batch, Change::kUpsert, kDroppedShard, version, std::to_string(id), VectorOf(id, version));
        AppendValues(&batch, kField, kDroppedShard, version, std::to_string(id));
      }
      if (random() % 4 == 0) {
        Append(&batch, Change::kDropField, 0, 0, "", {});
        batch.append(reinterpret_cast<const char*>(&kDroppedField), sizeof(kDroppedField));
      }
    }
    for (const auto& [id, state] : changes) {
      world->known[id].begun = state;
      world->known[id].removals += state % 2;
    }
    world->index().Apply(reinterpret_cast<const uint8_t*>(batch.data()), batch.size());
    for (const auto& [id, state] : changes) world->known[id].acknowledged = state;
    world->live->StartLinking();
    world->batches += 1;
    if (world->index().Stats().slots > kSlotsPerIndex) world->ending = true;
    while (world->index().Unlinked() > kUnlinkedMax && !world->Over()) std::this_thread::yield();
  }
}

std::vector<uint64_t> States(const World& world, std::atomic<uint64_t> Known::*which) {
  std::vector<uint64_t> states;
  for (const Known& known : world.known) states.push_back((known.*which).load());
  return states;
}

/** Every hit is a version that was begun and not yet replaced when the search began; scores and their order are exact. */
void CheckHits(World* world, const std::vector<float>& query, const std::vector<Hit>& hits,
               const std::vector<uint64_t>& before) {
  std::set<std::string> ids;
  for (size_t i = 0; i < hits.size(); ++i) {
    const Slot& slot = world->index().SlotOf(hits[i]);
    const std::string name(reinterpret_cast<const char*>(slot.id), slot.id_bytes);
    const size_t id = std::stoul(name);
    CHECK(ids.insert(name).second, "%s found twice", name.c_str());
    const uint64_t version = slot.version;
    const auto vector = VectorOf(id, version);
    const float score = ExactScore(Metric::kCosine, query.data(), vector.data(), kDimension);
    CHECK(std::memcmp(&score, &hits[i].score, sizeof(score)) == 0, "%s scored %g, not %g", name.c_str(), hits[i].score,
          score);
    if (i > 0) CHECK(hits[i - 1].score >= hits[i].score, "hit %zu", i);
    if (id >= kIds) continue;
    const uint64_t state = version * 2;
    CHECK(state >= before[id], "%s of version %lu, acknowledged %lu", name.c_str(), version, before[id] / 2);
    CHECK(state <= world->known[id].begun, "%s from the future", name.c_str());
  }
}

/** What is known of the ids when a search begins; read in this order, so that no removal goes unnoticed. */
struct Before {
  explicit Before(const World& world)
      : removals(States(world, &Known::removals)),
        acknowledged(States(world, &Known::acknowledged)),
        begun(States(world, &Known::begun)) {}
  std::vector<uint64_t> removals;
  std::vector<uint64_t> acknowledged;
  std::vector<uint64_t> begun;

  /** In the index, and no change under way that may take it out. */
  bool IsLive(size_t id) const {
    return acknowledged[id] != 0 && acknowledged[id] % 2 == 0 && begun[id] == acknowledged[id];
  }
};

constexpr uint64_t kAnyResidue = kResidues;

/**
 * An exact search for everything, or for all versions of a residue, finds each id that was live when it began and was not
 * removed since, in some version; with a residue, when it was not changed since.
 */
void CheckComplete(World* world, const std::vector<Hit>& hits, const Before& before, uint64_t residue) {
  std::set<size_t> found;
  for (const Hit& hit : hits) {
    const Slot& slot = world->index().SlotOf(hit);
    found.insert(std::stoul(std::string(reinterpret_cast<const char*>(slot.id), slot.id_bytes)));
  }
  for (size_t id = 0; id < kIds; ++id) {
    const bool was_removed = world->known[id].removals != before.removals[id];
    const uint64_t state = before.acknowledged[id];
    const bool is_asked_for =
        residue == kAnyResidue || (world->known[id].begun == state && state / 2 % kResidues == residue);
    CHECK(!before.IsLive(id) || was_removed || !is_asked_for || found.count(id) == 1, "%zu was not found", id);
  }
}

void SearchOften(World* world, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> shards;
  for (uint16_t shard = 0; shard < kShards; ++shard) shards.push_back(SlotClasses::Key(shard, 1));
  std::vector<Hit> hits;
  while (!world->Over()) {
    const auto query = VectorOf(random() % kIds, random());
    const Before before(*world);
    const bool all = random() % 16 == 0;
    const bool exact = all || random() % 4 == 0;
    auto wanted = shards;
    if (!all && random() % 2 == 0) wanted.resize(1 + random() % kShards);
    if (!all && random() % 4 == 0) wanted.push_back(SlotClasses::Key(kDroppedShard, 1));
    // Few candidates, so that the small index is walked and not scanned.
    SearchOptions options{all ? size_t{10'000} : 1 + random() % 10, 1 + random() % 12, exact, wanted};
    const uint64_t residue = random() % (2 * kResidues);
    if (residue < kResidues) options.filter = HasResidue(residue);
    world->index().Search(query.data(), options, &hits);
    CheckHits(world, query, hits, before.acknowledged);
    for (const Hit& hit : hits) {
      const uint64_t version = world->index().SlotOf(hit).version;
      CHECK(residue >= kResidues || version % kResidues == residue, "version %lu does not pass", version);
    }
    if (all) CheckComplete(world, hits, before, std::min(residue, kAnyResidue));
    if (random() % 64 == 0) world->index().CountField(kField, wanted);
    world->searches += 1;
  }
}

void SaveOften(World* world) {
  const std::string path = world->directory + "/stress.index";
  while (!world->Over()) {
    world->index().Save(path, "tag");
    std::string tag;
    const auto loaded = Index::Load(path, &tag);
    CHECK(tag == "tag", "%s", tag.c_str());
    CHECK(loaded->options().code == world->index().options().code, "another code");
    const IndexStats stats = loaded->Stats();
    CHECK(stats.live <= kIds + 50 && stats.linked <= stats.slots, "%zu live", stats.live);
    while (loaded->Link(100) > 0) {}
    std::vector<Hit> hits;
    const auto query = VectorOf(1, 1);
    loaded->Search(query.data(), {5, 20, false, {SlotClasses::Key(0, 1)}}, &hits);
    CHECK(hits.size() <= 5, "%zu hits", hits.size());
    world->files += 1;
  }
}

struct Counts {
  size_t batches = 0;
  size_t searches = 0;
  size_t files = 0;
};

/** One index from its beginning until it is large enough or the time is over. */
void Round(CodeKind code, const std::string& directory, Clock::time_point end, uint64_t seed, Counts* counts) {
  World world;
  world.end = end;
  world.directory = directory;
  world.live = LiveIndex::Make(std::make_unique<Index>(IndexOptions{kDimension, Metric::kCosine, {4, 20}, code}));
  Fill(&world);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kWriters; ++i) threads.emplace_back(Write, &world, i, seed + i);
  for (size_t i = 0; i < 2; ++i) threads.emplace_back(SearchOften, &world, seed + 50 + i);
  threads.emplace_back(SaveOften, &world);
  for (std::thread& thread : threads) thread.join();
  counts->batches += world.batches;
  counts->searches += world.searches;
  counts->files += world.files;
  // Released while it is being linked.
  world.live->Stop();
}

}  // namespace

int main(int count, char** arguments) {
  CHECK(count >= 3, "stress <seconds> <directory> [seed]");
  const uint64_t seed = count > 3 ? std::stoull(arguments[3]) : std::random_device()();
  std::printf("stress: seed %lu\n", seed);
  const auto half = std::chrono::duration_cast<Clock::duration>(std::chrono::seconds(std::stoul(arguments[1]))) / 2;
  for (const CodeKind code : {CodeKind::kInt8, CodeKind::kBit}) {
    const auto end = Clock::now() + half;
    Counts counts;
    for (uint64_t round = 0; Clock::now() < end; ++round) {
      Round(code, arguments[2], end, seed + round * 100, &counts);
    }
    std::printf("stress: %s: %zu batches, %zu searches, %zu files\n", code == CodeKind::kBit ? "bits" : "int8",
                counts.batches, counts.searches, counts.files);
  }
  return 0;
}
