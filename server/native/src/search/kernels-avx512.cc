#if defined(__x86_64__)

#include <immintrin.h>

#include "kernel-sets.h"
#include "lanes.h"

// GCC 12's own headers read deliberately undefined registers.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

// Everything with standard headers comes before: what they define must not be compiled for AVX-512.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx2,fma")

namespace grape::search {

namespace {

constexpr size_t kRowsAtOnce = 4;

/** One register is one group of lanes; lanes outside `mask` keep their sum. */
template <bool kSquared>
inline __m512 Step(__mmask16 mask, __m512 a, __m512 b, __m512 sum) {
  if constexpr (kSquared) {
    const __m512 difference = _mm512_sub_ps(a, b);
    return _mm512_mask3_fmadd_ps(difference, difference, sum, mask);
  } else {
    return _mm512_mask3_fmadd_ps(a, b, sum, mask);
  }
}

inline float ReduceLanes(__m512 lanes) {
  const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(lanes), 1));
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(lanes), high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

template <bool kSquared, size_t kRows>
inline void Sum(const float* query, const float* const* rows, size_t dimension, float* sums) {
  __m512 lanes[kRows];
  for (size_t r = 0; r < kRows; ++r) lanes[r] = _mm512_setzero_ps();
  size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) {
    const __m512 left = _mm512_loadu_ps(query + i);
    for (size_t r = 0; r < kRows; ++r) {
      lanes[r] = Step<kSquared>(0xffff, left, _mm512_loadu_ps(rows[r] + i), lanes[r]);
    }
  }
  if (i < dimension) {
    const __mmask16 mask = static_cast<__mmask16>((1u << (dimension - i)) - 1);
    const __m512 left = _mm512_maskz_loadu_ps(mask, query + i);
    for (size_t r = 0; r < kRows; ++r) {
      lanes[r] = Step<kSquared>(mask, left, _mm512_maskz_loadu_ps(mask, rows[r] + i), lanes[r]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) sums[r] = ReduceLanes(lanes[r]);
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

}  // namespace

const Kernels kAvx512Kernels{"avx512",    One<false>,   One<true>,   Many<false>,
                             Many<true>,  CodeDotsAvx2, BitDotsAvx2, CodePairAvx2,
                             BitPairAvx2};

#pragma GCC push_options
#pragma GCC target("avx512vnni")

namespace {

inline __m512i Load(const void* from) { return _mm512_loadu_si512(from); }

void CodeDotsVnni(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums) {
  PrefetchFirst(records, count, code_bytes);
  for (size_t r = 0; r < count; ++r) {
    if (r + kRecordsAhead < count) PrefetchRecord(records[r + kRecordsAhead], code_bytes);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    __m512i even = _mm512_setzero_si512();
    __m512i odd = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 128 <= code_bytes; i += 128) {
      even = _mm512_dpbusd_epi32(even, Load(codes + i), Load(query + i));
      odd = _mm512_dpbusd_epi32(odd, Load(codes + i + 64), Load(query + i + 64));
    }
    if (i < code_bytes) even = _mm512_dpbusd_epi32(even, Load(codes + i), Load(query + i));
    sums[r] = _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
  }
}

void BitDotsVnni(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums) {
  const __m512i one = _mm512_set1_epi8(1);
  PrefetchFirst(records, count, code_bytes);
  for (size_t r = 0; r < count; ++r) {
    if (r + kRecordsAhead < count) PrefetchRecord(records[r + kRecordsAhead], code_bytes);
    const uint8_t* const codes = records[r] + kCodeHeaderBytes;
    __m512i even = _mm512_setzero_si512();
    __m512i odd = _mm512_setzero_si512();
    for (size_t block = 0; block < code_bytes; block += kCodeAlign) {
      const __m512i bits = Load(codes + block);
      const int8_t* const from = query + 8 * block;
      for (int bit = 0; bit < 8; bit += 2) {
        // Bits that come from the neighbouring byte do not reach the lowest place.
        const __m512i first = _mm512_and_si512(_mm512_srli_epi16(bits, bit), one);
        const __m512i second = _mm512_and_si512(_mm512_srli_epi16(bits, bit + 1), one);
        even = _mm512_dpbusd_epi32(even, first, Load(from + bit * kCodeAlign));
        odd = _mm512_dpbusd_epi32(odd, second, Load(from + (bit + 1) * kCodeAlign));
      }
    }
    sums[r] = 2 * _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
  }
}

int32_t CodePairVnni(const uint8_t* record, const uint8_t* other, size_t code_bytes) {
  const uint8_t* const a = record + kCodeHeaderBytes;
  const uint8_t* const b = other + kCodeHeaderBytes;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  __m512i even = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();
  size_t i = 0;
  for (; i + 128 <= code_bytes; i += 128) {
    even = _mm512_dpbusd_epi32(even, Load(a + i), _mm512_xor_si512(Load(b + i), flip));
    odd = _mm512_dpbusd_epi32(odd, Load(a + i + 64), _mm512_xor_si512(Load(b + i + 64), flip));
  }
  if (i < code_bytes) even = _mm512_dpbusd_epi32(even, Load(a + i), _mm512_xor_si512(Load(b + i), flip));
  return _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd));
}

}  // namespace

const Kernels kAvx512VnniKernels{"avx512vnni", One<false>,   One<true>,   Many<false>,
                                 Many<true>,   CodeDotsVnni, BitDotsVnni, CodePairVnni,
                                 BitPairAvx2};

#pragma GCC pop_options

}  // namespace grape::search

#pragma GCC pop_options

#endif
