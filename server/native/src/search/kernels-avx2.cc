#if defined(__x86_64__)

#include <immintrin.h>

#include <cmath>

#include "kernel-sets.h"
#include "lanes.h"

// Everything with standard headers comes before: what they define must not be compiled for AVX2.
#pragma GCC push_options
#pragma GCC target("avx2,fma,popcnt")

namespace grape::search {

namespace {

/** Rows summed at the same time. Two registers of lanes each. */
constexpr size_t kRowsAtOnce = 4;

template <bool kSquared>
inline __m256 Step(__m256 a, __m256 b, __m256 sum) {
  if constexpr (kSquared) {
    const __m256 difference = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(difference, difference, sum);
  } else {
    return _mm256_fmadd_ps(a, b, sum);
  }
}

/** The elements behind the last whole group of lanes, and the reduction. */
template <bool kSquared>
inline float Finish(__m256 low, __m256 high, const float* a, const float* b, size_t left) {
  Lanes lanes;
  _mm256_store_ps(lanes.at, low);
  _mm256_store_ps(lanes.at + 8, high);
  for (size_t j = 0; j < left; ++j) {
    if constexpr (kSquared) {
      const float difference = a[j] - b[j];
      lanes.at[j] = __builtin_fmaf(difference, difference, lanes.at[j]);
    } else {
      lanes.at[j] = __builtin_fmaf(a[j], b[j], lanes.at[j]);
    }
  }
  return lanes.Reduce();
}

template <bool kSquared, size_t kRows>
inline void Sum(const float* query, const float* const* rows, size_t dimension, float* sums) {
  __m256 low[kRows];
  __m256 high[kRows];
  for (size_t r = 0; r < kRows; ++r) low[r] = high[r] = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) {
    const __m256 query_low = _mm256_loadu_ps(query + i);
    const __m256 query_high = _mm256_loadu_ps(query + i + 8);
    for (size_t r = 0; r < kRows; ++r) {
      low[r] = Step<kSquared>(query_low, _mm256_loadu_ps(rows[r] + i), low[r]);
      high[r] = Step<kSquared>(query_high, _mm256_loadu_ps(rows[r] + i + 8), high[r]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    sums[r] = Finish<kSquared>(low[r], high[r], query + i, rows[r] + i, dimension - i);
  }
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

inline int32_t ReduceSums(__m256i sums) {
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(four);
}

/**
 * 32 products of signed codes. `maddubs` adds two products in 16 bits with saturation; with magnitudes of at most 127
 * they stay below 32,258.
 */
inline __m256i AddProducts(__m256i sums, __m256i a, __m256i b) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

inline __m256i Load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

/** Signed codes of stored ones. */
inline __m256i Signed(__m256i stored) { return _mm256_xor_si256(stored, _mm256_set1_epi8(static_cast<char>(0x80))); }

/** 128 times the sum of signed codes: what the other side's stored codes have too much. */
inline int32_t Excess(__m256i signed_sums) { return 128 * ReduceSums(signed_sums); }

inline __m256i AddCodes(__m256i sums, __m256i codes) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), codes);
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

}  // namespace

void CodeDotsAvx2(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums) {
  __m256i query_sums = _mm256_setzero_si256();
  for (size_t i = 0; i < code_bytes; i += 32) query_sums = AddCodes(query_sums, Load(query + i));
  const int32_t excess = Excess(query_sums);
  PrefetchFirst(records, count, code_bytes);
  for (size_t r = 0; r < count; ++r) {
    if (r + kRecordsAhead < count) PrefetchRecord(records[r + kRecordsAhead], code_bytes);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    for (size_t i = 0; i < code_bytes; i += 64) {
      even = AddProducts(even, Load(query + i), Signed(Load(codes + i)));
      odd = AddProducts(odd, Load(query + i + 32), Signed(Load(codes + i + 32)));
    }
    sums[r] = ReduceSums(_mm256_add_epi32(even, odd)) + excess;
  }
}

/**
 * 16-bit sums suffice: of each of the 32 bytes of a register a lane takes two products at a time, of magnitudes of at
 * most 127, and no query has more than 4,096 codes.
 */
void BitDotsAvx2(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums) {
  const __m256i one = _mm256_set1_epi8(1);
  PrefetchFirst(records, count, code_bytes);
  for (size_t r = 0; r < count; ++r) {
    if (r + kRecordsAhead < count) PrefetchRecord(records[r + kRecordsAhead], code_bytes);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    for (size_t block = 0; block < code_bytes; block += kCodeAlign) {
      __m256i low = Load(codes + block);
      __m256i high = Load(codes + block + 32);
      const int8_t* const from = query + 8 * block;
      for (size_t i = 0; i < 8 * kCodeAlign; i += kCodeAlign) {
        even = _mm256_add_epi16(even, _mm256_maddubs_epi16(_mm256_and_si256(low, one), Load(from + i)));
        odd = _mm256_add_epi16(odd, _mm256_maddubs_epi16(_mm256_and_si256(high, one), Load(from + i + 32)));
        // Bits that come from the neighbouring byte do not reach the lowest place.
        low = _mm256_srli_epi16(low, 1);
        high = _mm256_srli_epi16(high, 1);
      }
    }
    const __m256i twice = _mm256_set1_epi16(2);
    sums[r] = ReduceSums(_mm256_add_epi32(_mm256_madd_epi16(even, twice), _mm256_madd_epi16(odd, twice)));
  }
}

int32_t CodePairAvx2(const uint8_t* record, const uint8_t* other, size_t code_bytes) {
  const uint8_t* const a = record + kCodeHeaderBytes;
  const uint8_t* const b = other + kCodeHeaderBytes;
  __m256i products = _mm256_setzero_si256();
  __m256i others = _mm256_setzero_si256();
  for (size_t i = 0; i < code_bytes; i += 32) {
    const __m256i right = Signed(Load(b + i));
    products = AddProducts(products, Signed(Load(a + i)), right);
    others = AddCodes(others, right);
  }
  return ReduceSums(products) + Excess(others);
}

uint32_t BitPairAvx2(const uint8_t* record, const uint8_t* other, size_t code_bytes) {
  uint64_t differing = 0;
  for (size_t i = kCodeHeaderBytes; i < kCodeHeaderBytes + code_bytes; i += 8) {
    uint64_t a;
    uint64_t b;
    __builtin_memcpy(&a, record + i, 8);
    __builtin_memcpy(&b, other + i, 8);
    differing += static_cast<uint64_t>(_mm_popcnt_u64(a ^ b));
  }
  return static_cast<uint32_t>(differing);
}

const Kernels kAvx2Kernels{"avx2",      One<false>,   One<true>,   Many<false>,
                           Many<true>,  CodeDotsAvx2, BitDotsAvx2, CodePairAvx2,
                           BitPairAvx2};

}  // namespace grape::search

#pragma GCC pop_options

#endif
