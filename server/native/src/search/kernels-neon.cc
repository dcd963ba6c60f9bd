#if defined(__aarch64__)

#include <arm_neon.h>

#include "kernel-sets.h"
#include "lanes.h"

namespace grape::search {

namespace {

constexpr size_t kRowsAtOnce = 4;
/** Registers for the lanes of one row, and for one block of codes. */
constexpr size_t kRegisters = 4;

template <bool kSquared>
inline float32x4_t Step(float32x4_t a, float32x4_t b, float32x4_t sum) {
  if constexpr (kSquared) {
    const float32x4_t difference = vsubq_f32(a, b);
    return vfmaq_f32(sum, difference, difference);
  } else {
    return vfmaq_f32(sum, a, b);
  }
}

/** The elements behind the last whole group of lanes, and the reduction. */
template <bool kSquared>
inline float Finish(const float32x4_t* registers, const float* a, const float* b, size_t left) {
  Lanes lanes;
  for (size_t j = 0; j < kRegisters; ++j) vst1q_f32(lanes.at + 4 * j, registers[j]);
  for (size_t j = 0; j < left; ++j) {
    const float difference = a[j] - b[j];
    lanes.at[j] = __builtin_fmaf(kSquared ? difference : a[j], kSquared ? difference : b[j], lanes.at[j]);
  }
  return lanes.Reduce();
}

template <bool kSquared, size_t kRows>
inline void Sum(const float* query, const float* const* rows, size_t dimension, float* sums) {
  float32x4_t lanes[kRows][kRegisters];
  for (auto& row : lanes) {
    for (float32x4_t& four : row) four = vdupq_n_f32(0);
  }
  size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) {
    for (size_t j = 0; j < kRegisters; ++j) {
      const float32x4_t left = vld1q_f32(query + i + 4 * j);
      for (size_t r = 0; r < kRows; ++r) {
        lanes[r][j] = Step<kSquared>(left, vld1q_f32(rows[r] + i + 4 * j), lanes[r][j]);
      }
    }
  }
  for (size_t r = 0; r < kRows; ++r) sums[r] = Finish<kSquared>(lanes[r], query + i, rows[r] + i, dimension - i);
}

template <bool kSquared>
float One(const float* a, const float* b, size_t dimension) {
  float sum;
  Sum<kSquared, 1>(a, &b, dimension, &sum);
  return sum;
}

template <bool kSquared>
void Many(const float* query, const float* const* rows, size_t count, size_t dimension, float* sums) {
  size_t r = 0;
  for (; r + kRowsAtOnce <= count; r += kRowsAtOnce) {
    Sum<kSquared, kRowsAtOnce>(query, rows + r, dimension, sums + r);
  }
  for (; r < count; ++r) sums[r] = One<kSquared>(query, rows[r], dimension);
}

/** Signed codes of stored ones. */
inline int8x16_t Signed(const uint8_t* stored) {
  return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(stored), vdupq_n_u8(0x80)));
}

/** 16 products; two of magnitudes of at most 127 fit into 16 bits. */
inline int32x4_t AddProducts(int32x4_t sums, int8x16_t a, int8x16_t b) {
  const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(b));
  return vpadalq_s16(sums, vmlal_high_s8(low, a, b));
}

inline int32x4_t AddCodes(int32x4_t sums, int8x16_t codes) { return vpadalq_s16(sums, vpaddlq_s8(codes)); }

/** 128 times the sum of signed codes: what the other side's stored codes have too much. */
inline int32_t Excess(int32x4_t signed_sums) { return 128 * vaddvq_s32(signed_sums); }

int32_t ExcessOf(const int8_t* query, size_t code_bytes) {
  int32x4_t sums = vdupq_n_s32(0);
  for (size_t i = 0; i < code_bytes; i += 16) sums = AddCodes(sums, vld1q_s8(query + i));
  return Excess(sums);
}

void CodeDots(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums) {
  const int32_t excess = ExcessOf(query, code_bytes);
  PrefetchFirst(records, count, code_bytes);
  for (size_t r = 0; r < count; ++r) {
    if (r + kRecordsAhead < count) PrefetchRecord(records[r + kRecordsAhead], code_bytes);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    int32x4_t even = vdupq_n_s32(0);
    int32x4_t odd = vdupq_n_s32(0);
    for (size_t i = 0; i < code_bytes; i += 32) {
      even = AddProducts(even, vld1q_s8(query + i), Signed(codes + i));
      odd = AddProducts(odd, vld1q_s8(query + i + 16), Signed(codes + i + 16));
    }
    sums[r] = vaddvq_s32(vaddq_s32(even, odd)) + excess;
  }
}

int32_t CodePair(const uint8_t* record, const uint8_t* other, size_t code_bytes) {
  int32x4_t products = vdupq_n_s32(0);
  int32x4_t others = vdupq_n_s32(0);
  for (size_t i = 0; i < code_bytes; i += 16) {
    const int8x16_t right = Signed(other + kCodeHeaderBytes + i);
    products = AddProducts(products, Signed(record + kCodeHeaderBytes + i), right);
    others = AddCodes(others, right);
  }
  return vaddvq_s32(products) + Excess(others);
}

/** 16-bit sums suffice: a lane takes two codes of at most 127 for each of the at most 64 bits that its bytes have. */
void BitDots(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums) {
  PrefetchFirst(records, count, code_bytes);
  for (size_t r = 0; r < count; ++r) {
    if (r + kRecordsAhead < count) PrefetchRecord(records[r + kRecordsAhead], code_bytes);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    int16x8_t chosen[kRegisters] = {};
    for (size_t block = 0; block < code_bytes; block += kCodeAlign) {
      uint8x16_t bits[kRegisters];
      for (size_t j = 0; j < kRegisters; ++j) bits[j] = vld1q_u8(codes + block + 16 * j);
      for (size_t bit = 0; bit < 8; ++bit) {
        const int8_t* const from = query + 8 * block + kCodeAlign * bit;
        const uint8x16_t mask = vdupq_n_u8(static_cast<uint8_t>(1 << bit));
        for (size_t j = 0; j < kRegisters; ++j) {
          const int8x16_t is_set = vreinterpretq_s8_u8(vtstq_u8(bits[j], mask));
          chosen[j] = vpadalq_s8(chosen[j], vandq_s8(vld1q_s8(from + 16 * j), is_set));
        }
      }
    }
    int32x4_t sum = vdupq_n_s32(0);
    for (const int16x8_t part : chosen) sum = vpadalq_s16(sum, part);
    sums[r] = 2 * vaddvq_s32(sum);
  }
}

uint32_t BitPair(const uint8_t* record, const uint8_t* other, size_t code_bytes) {
  uint16x8_t differing = vdupq_n_u16(0);
  for (size_t i = kCodeHeaderBytes; i < kCodeHeaderBytes + code_bytes; i += 16) {
    differing = vpadalq_u8(differing, vcntq_u8(veorq_u8(vld1q_u8(record + i), vld1q_u8(other + i))));
  }
  return vaddlvq_u16(differing);
}

}  // namespace

const Kernels kNeonKernels{"neon",   One<false>, One<true>, Many<false>, Many<true>,
                           CodeDots, BitDots,    CodePair,  BitPair};

#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")

namespace {

void CodeDotsDotprod(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes,
                     int32_t* sums) {
  const int32_t excess = ExcessOf(query, code_bytes);
  PrefetchFirst(records, count, code_bytes);
  for (size_t r = 0; r < count; ++r) {
    if (r + kRecordsAhead < count) PrefetchRecord(records[r + kRecordsAhead], code_bytes);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    int32x4_t even = vdupq_n_s32(0);
    int32x4_t odd = vdupq_n_s32(0);
    for (size_t i = 0; i < code_bytes; i += 32) {
      even = vdotq_s32(even, vld1q_s8(query + i), Signed(codes + i));
      odd = vdotq_s32(odd, vld1q_s8(query + i + 16), Signed(codes + i + 16));
    }
    sums[r] = vaddvq_s32(vaddq_s32(even, odd)) + excess;
  }
}

int32_t CodePairDotprod(const uint8_t* record, const uint8_t* other, size_t code_bytes) {
  int32x4_t products = vdupq_n_s32(0);
  int32x4_t others = vdupq_n_s32(0);
  for (size_t i = 0; i < code_bytes; i += 16) {
    const int8x16_t right = Signed(other + kCodeHeaderBytes + i);
    products = vdotq_s32(products, Signed(record + kCodeHeaderBytes + i), right);
    others = vdotq_s32(others, vdupq_n_s8(1), right);
  }
  return vaddvq_s32(products) + Excess(others);
}

}  // namespace

const Kernels kNeonDotprodKernels{"neon dotprod", One<false>,      One<true>, Many<false>,
                                  Many<true>,     CodeDotsDotprod, BitDots,   CodePairDotprod, BitPair};

#pragma GCC pop_options

}  // namespace grape::search

#endif
