#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace grape::search {

/** Bytes before the codes of a code record (`codes.h`); kernels skip them. */
constexpr size_t kCodeHeaderBytes = 64;
/** Codes fill a multiple of this many bytes (int8 ones padded with zeros, stored as 128): kernels have no tail. */
constexpr size_t kCodeAlign = 64;
/** Records that a kernel asks the memory for before it needs them: several cache lines each, some 100 ns away. */
constexpr size_t kRecordsAhead = 4;

/**
 * The inner loops for one kind of processor.
 *
 * Float sums are defined to the bit, so that the kernels of all processors agree: 16 lanes starting at +0, lane
 * j takes the elements i = j mod 16 in order with fused multiply-add, then lane j gets lane j + 8, + 4, + 2, + 1 added.
 * `dimension` is any number from 1; rows may be unaligned.
 *
 * Code sums are exact integers of at most 4,096 products, so they agree anyway. A query has signed codes (-127..127), a
 * record stores them unsigned in `code_bytes` bytes, a multiple of `kCodeAlign`: int8 codes as code + 128; codes of one
 * bit, 1 and -1, as code + 1, which is twice bit k of byte j of block b for code 512 * b + 64 * k + j. The sums are of
 * stored codes: the caller subtracts 128 times, or once, the sum of the signed side.
 */
struct Kernels {
  const char* name;
  float (*dot)(const float* a, const float* b, size_t dimension);
  /** Sum of squared differences, each difference rounded to float32. */
  float (*squared)(const float* a, const float* b, size_t dimension);
  /** One query with many rows; the same bits as one by one, but the sums of several rows overlap in the pipeline. */
  void (*dot_rows)(const float* query, const float* const* rows, size_t count, size_t dimension, float* sums);
  void (*squared_rows)(const float* query, const float* const* rows, size_t count, size_t dimension, float* sums);
  /** One query with many records, whose memory is prefetched. */
  void (*code_dots)(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums);
  /** The same with bits; the query has 8 * `code_bytes` codes. */
  void (*bit_dots)(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums);
  /** Stored codes of the first record with the signed codes of the second. */
  int32_t (*code_pair)(const uint8_t* record, const uint8_t* other, size_t code_bytes);
  /** Bits that differ between two records. */
  uint32_t (*bit_pair)(const uint8_t* record, const uint8_t* other, size_t code_bytes);
};

/** Asks for a whole record. */
inline void PrefetchRecord(const uint8_t* record, size_t code_bytes) {
  for (size_t at = 0; at < kCodeHeaderBytes + code_bytes; at += 64) __builtin_prefetch(record + at);
}

/** Asks for the first records of a call of `code_dots`. */
inline void PrefetchFirst(const uint8_t* const* records, size_t count, size_t code_bytes) {
  for (size_t r = 0; r < count && r < kRecordsAhead; ++r) PrefetchRecord(records[r], code_bytes);
}

/** The best kernels for this processor; chosen once. */
const Kernels& BestKernels();

/** Every set that this processor can run, the portable one first. For tests and measurements. */
std::vector<const Kernels*> UsableKernels();

}  // namespace grape::search
