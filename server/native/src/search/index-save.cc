#include <array>
#include <cstring>

#include "checked-file.h"
#include "crc32c.h"
#include "index-file.h"
#include "index.h"

namespace grape::search {

namespace {

template <typename WriteSection>
void Section(FileWriter* file, SectionEntry* entry, WriteSection write) {
  file->StartSection();
  const uint64_t begin = file->size();
  write();
  entry->bytes = file->size() - begin;
  file->Pad(kSectionAlign);
  entry->crc = file->crc();
}

std::array<uint8_t, kHeaderBytes> Packed(const FileHeader& header) {
  std::array<uint8_t, kHeaderBytes> packed{};
  std::memcpy(packed.data(), &header, sizeof(header));
  const uint32_t crc = Crc32c(0, packed.data(), kHeaderBytes - sizeof(crc));
  std::memcpy(packed.data() + kHeaderBytes - sizeof(crc), &crc, sizeof(crc));
  return packed;
}

}  // namespace

void Index::Save(const std::string& path, const std::string& tag) const {
  FileHeader header{};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.format = kFormat;
  header.dimension = options_.dimension;
  header.metric = static_cast<uint32_t>(options_.metric);
  header.m = options_.graph.m;
  header.ef_construction = options_.graph.ef_construction;
  header.code = static_cast<uint32_t>(options_.code);
  header.rotation_seed = options_.rotation_seed;
  header.entry_point = -1;
  header.max_level = -1;
  FileWriter file(path);
  const std::string room(kHeaderBytes, '\0');
  file.Write(room.data(), room.size());

  uint64_t epoch;
  {
    // Linking pauses while the graph is written; adding and searching go on.
    const std::lock_guard<std::mutex> lock(link_mutex_);
    const faiss::HNSW& hnsw = linker_.hnsw();
    // A graph that was left half-way is not kept: whoever loads the file links anew.
    header.linked = link_failed_ ? 0 : linker_.linked();
    if (header.linked > 0) {
      header.entry_point = hnsw.entry_point;
      header.max_level = hnsw.max_level;
    }
    const size_t links = header.linked == 0 ? 0 : hnsw.offsets[header.linked];
    Section(&file, &header.sections[kLevels],
            [&] { file.Write(hnsw.levels.data(), header.linked * sizeof(int32_t)); });
    Section(&file, &header.sections[kNeighbours], [&] { file.Write(hnsw.neighbors.data(), links * sizeof(int32_t)); });
    const auto originals = linker_.Originals(header.linked);
    Section(&file, &header.sections[kOriginals],
            [&] { file.Write(originals.data(), originals.size() * sizeof(uint32_t)); });
  }
  {
    // The cut: the slots and deaths of this batch and its predecessors, whatever is applied meanwhile.
    const std::lock_guard<std::mutex> lock(state_mutex_);
    epoch = epoch_.load(std::memory_order_relaxed);
    header.slots = slots_published_.load(std::memory_order_relaxed);
  }
  const auto alive = [&](size_t slot) { return slots_.Code(slot).death.load(std::memory_order_relaxed) > epoch; };
  Section(&file, &header.sections[kTag], [&] { file.Write(tag.data(), tag.size()); });
  Section(&file, &header.sections[kSlots], [&] {
    for (size_t i = 0; i < header.slots; ++i) {
      const Slot& slot = slots_.At(i);
      const bool lives = alive(i);
      const SlotRecord record{slot.version.load(std::memory_order_relaxed), slot.generation, slot.shard,
                              static_cast<uint16_t>(lives ? slot.id_bytes : 0), lives, slot.is_integer};
      file.Write(&record, sizeof(record));
    }
  });
  Section(&file, &header.sections[kIds], [&] {
    for (size_t i = 0; i < header.slots; ++i) {
      if (alive(i)) file.Write(slots_.At(i).id, slots_.At(i).id_bytes);
    }
  });
  Section(&file, &header.sections[kVectors], [&] {
    for (size_t i = 0; i < header.slots;) {
      const size_t rows = slots_.ContiguousVectors(i, header.slots - i);
      file.Write(slots_.Vector(i), rows * options_.dimension * sizeof(float));
      i += rows;
    }
  });
  const auto head = Packed(header);
  file.Commit(head.data(), head.size());
}

}  // namespace grape::search
