#include <array>
#include <cstring>

#include "checked-file.h"
#include "crc32c.h"
#include "failure-code.h"
#include "index-file.h"
#include "index.h"

namespace grape::search {

namespace {

uint64_t Padded(uint64_t bytes) { return (bytes + kSectionAlign - 1) / kSectionAlign * kSectionAlign; }

bool OptionsFit(const FileHeader& header) {
  return header.dimension >= 1 && header.dimension <= kDimensionMax && header.metric < kMetrics && header.m >= kMMin &&
         header.m <= kMMax && header.ef_construction >= 1 && header.ef_construction <= kEfConstructionMax &&
         header.code < kCodeKinds;
}

bool SectionsFit(const FileHeader& header, uint64_t file_bytes) {
  uint64_t bytes = kHeaderBytes;
  for (const SectionEntry& section : header.sections) {
    if (section.bytes > file_bytes) return false;
    bytes += Padded(section.bytes);
  }
  const auto has = [&](SectionName name, uint64_t expected) { return header.sections[name].bytes == expected; };
  return bytes == file_bytes && header.slots <= kSlotsMax && header.linked <= header.slots &&
         has(kLevels, header.linked * sizeof(int32_t)) &&
         has(kOriginals, header.linked * sizeof(uint32_t)) && has(kSlots, header.slots * sizeof(SlotRecord)) &&
         has(kVectors, header.slots * header.dimension * sizeof(float)) &&
         header.sections[kNeighbours].bytes % sizeof(int32_t) == 0;
}

FileHeader ReadHeader(FileReader* file) {
  std::array<uint8_t, kHeaderBytes> packed;
  if (file->size() < packed.size()) throw Damaged("the file ends too early");
  file->Read(packed.data(), packed.size());
  uint32_t crc;
  std::memcpy(&crc, packed.data() + kHeaderBytes - sizeof(crc), sizeof(crc));
  FileHeader header;
  std::memcpy(&header, packed.data(), sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) throw Damaged("the file is no index");
  if (header.format != kFormat) throw Damaged("the file has an unknown format");
  if (crc != Crc32c(0, packed.data(), kHeaderBytes - sizeof(crc))) throw Damaged("the header is damaged");
  if (!OptionsFit(header) || !SectionsFit(header, file->size())) throw Damaged("the header contradicts itself");
  return header;
}

/** `read` takes `entry.bytes` from the file; what it read may be used afterwards. */
template <typename ReadSection>
void Section(FileReader* file, const SectionEntry& entry, ReadSection read) {
  file->StartSection();
  const uint64_t begin = file->position();
  read();
  file->Skip(Padded(entry.bytes) - (file->position() - begin));
  if (file->crc() != entry.crc) throw Damaged("a section is damaged");
}

template <typename T>
std::vector<T> ReadVector(FileReader* file, const SectionEntry& entry) {
  std::vector<T> read(entry.bytes / sizeof(T));
  Section(file, entry, [&] { file->Read(read.data(), entry.bytes); });
  return read;
}

}  // namespace

std::unique_ptr<Index> Index::Load(const std::string& path, std::string* tag) {
  FileReader file(path);
  const FileHeader header = ReadHeader(&file);
  auto index = std::make_unique<Index>(IndexOptions{
      header.dimension, static_cast<Metric>(header.metric), {header.m, header.ef_construction},
                                                    static_cast<CodeKind>(header.code), header.rotation_seed});
  auto levels = ReadVector<int>(&file, header.sections[kLevels]);
  auto neighbours = ReadVector<int32_t>(&file, header.sections[kNeighbours]);
  const auto originals = ReadVector<uint32_t>(&file, header.sections[kOriginals]);
  const auto read_tag = ReadVector<char>(&file, header.sections[kTag]);
  tag->assign(read_tag.begin(), read_tag.end());
  const auto slots = ReadVector<SlotRecord>(&file, header.sections[kSlots]);
  const auto ids = ReadVector<uint8_t>(&file, header.sections[kIds]);
  index->slots_.Reserve(header.slots);
  Section(&file, header.sections[kVectors], [&] {
    for (size_t i = 0; i < header.slots;) {
      const size_t rows = index->slots_.ContiguousVectors(i, header.slots - i);
      file.Read(index->slots_.Vector(i), rows * header.dimension * sizeof(float));
      i += rows;
    }
  });
  index->RestoreSlots(slots, ids);
  index->linker_.Restore(std::move(levels), std::move(neighbours), header.entry_point, header.max_level);
  index->linker_.RestoreDuplicates(originals);
  return index;
}

void Index::RestoreSlots(const std::vector<SlotRecord>& records, const std::vector<uint8_t>& ids) {
  const std::lock_guard<std::mutex> lock(apply_mutex_);
  ids_.Reserve(ids.size(), kIdBytesMax);
  map_.Reserve(records.size());
  size_t id_at = 0;
  for (const SlotRecord& record : records) {
    if (record.id_bytes > kIdBytesMax || record.id_bytes > ids.size() - id_at) throw Damaged("an id is out of range");
    const uint8_t* const id = ids.data() + id_at;
    id_at += record.id_bytes;
    RestoreSlot(record, id);
  }
  if (id_at != ids.size()) throw Damaged("there are ids of no slot");
  Publish();
}

void Index::RestoreSlot(const SlotRecord& record, const uint8_t* id) {
  const auto slot = static_cast<uint32_t>(slots_written_++);
  CodeRecord& code = slots_.Code(slot);
  if (!IsFinite(slots_.Vector(slot), options_.dimension)) throw Damaged("a vector has a number that is not finite");
  coding_.Encode(slots_.Vector(slot), &code);
  ChangeRecord change{Change::kUpsert, record.shard, record.id_bytes, record.generation, record.version, id, nullptr};
  change.is_integer = record.is_integer != 0;
  slots_.At(slot).Set(change, ids_.Add(id, record.id_bytes));
  if (record.alive == 0) {
    // Found by nobody, only passed through: its class does not matter.
    code.slot_class = slots_.Class(slot) = 0;
    code.death.store(0, std::memory_order_relaxed);
    return;
  }
  const uint64_t hash = map_.Hash(record.shard, id, record.id_bytes);
  if (Find(hash, change) != SlotMap::kNone) throw Damaged("an id is in two slots");
  map_.Insert(hash, slot);
  const uint16_t slot_class = ClassOf(change);
  live_changes_.resize(std::max<size_t>(live_changes_.size(), slot_class + 1));
  live_changes_[slot_class] += 1;
  code.slot_class = slots_.Class(slot) = slot_class;
  code.death.store(kAlive, std::memory_order_relaxed);
}

}  // namespace grape::search
