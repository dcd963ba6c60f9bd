#pragma once

#include <cstddef>
#include <cstdint>

namespace grape::search {

/**
 * The file of an index: a header of `kHeaderBytes`, then the sections, each padded with zeros to `kSectionAlign`. The
 * last four bytes of the header are the CRC-32C of those before; each section has its CRC in the header, padding
 * included, so that any changed byte is noticed. Little-endian. Codes are made again from the vectors; the header says
 * of which kind.
 */
constexpr size_t kHeaderBytes = 4'096;
constexpr size_t kSectionAlign = 64;
constexpr uint32_t kFormat = 3;
constexpr char kMagic[8] = {'g', 'r', 'a', 'p', 'e', 'i', 'd', 'x'};

/** In the order of the file. */
enum SectionName { kLevels, kNeighbours, kOriginals, kTag, kSlots, kIds, kVectors, kSections };

struct SectionEntry {
  /** Without the padding. */
  uint64_t bytes;
  uint32_t crc;
  uint32_t zero;
};

struct FileHeader {
  char magic[8];
  uint32_t format;
  uint32_t dimension;
  uint32_t metric;
  uint32_t m;
  uint32_t ef_construction;
  int32_t entry_point;
  int32_t max_level;
  uint32_t code;
  uint64_t rotation_seed;
  uint64_t slots;
  uint64_t linked;
  SectionEntry sections[kSections];
};

static_assert(sizeof(FileHeader) + sizeof(uint32_t) <= kHeaderBytes, "the header fits");

/** One slot of the file; the id of a dead one is not kept. */
struct SlotRecord {
  uint64_t version;
  uint32_t generation;
  uint16_t shard;
  uint16_t id_bytes;
  uint32_t alive;
  uint32_t is_integer;
};

static_assert(sizeof(SlotRecord) == 24, "slot records have no gaps");

}  // namespace grape::search
