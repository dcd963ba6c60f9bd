#if defined(__x86_64__)

#include <immintrin.h>

#include "kernel-sets.h"
#include "lanes.h"

namespace grape {
namespace {

#define GRAPE_AVX2 __attribute__((target("avx2,fma")))
#define GRAPE_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")))

GRAPE_AVX2 float DotAvx2(const float* a, const float* b, size_t n) {
  __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
  const size_t whole = n / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    low = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), low);
    high = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), high);
  }
  float lanes[kLanes];
  _mm256_storeu_ps(lanes, low);
  _mm256_storeu_ps(lanes + 8, high);
  for (size_t i = whole; i < n; i++) lanes[i - whole] = __builtin_fmaf(a[i], b[i], lanes[i - whole]);
  return FinishLanes(lanes, n, n, [](size_t, float sum) { return sum; });
}

GRAPE_AVX2 float SquaredL2Avx2(const float* a, const float* b, size_t n) {
  __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
  const size_t whole = n / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    const __m256 d0 = _mm256_sub_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
    const __m256 d1 = _mm256_sub_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8));
    low = _mm256_fmadd_ps(d0, d0, low);
    high = _mm256_fmadd_ps(d1, d1, high);
  }
  float lanes[kLanes];
  _mm256_storeu_ps(lanes, low);
  _mm256_storeu_ps(lanes + 8, high);
  for (size_t i = whole; i < n; i++) {
    const float d = a[i] - b[i];
    lanes[i - whole] = __builtin_fmaf(d, d, lanes[i - whole]);
  }
  return FinishLanes(lanes, n, n, [](size_t, float sum) { return sum; });
}

GRAPE_AVX2 int32_t SumAvx2(__m256i v) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
  return _mm_cvtsi128_si32(s);
}

// Codes widen to 16 bits before they are multiplied: the 8-bit multiply of AVX2 saturates.
GRAPE_AVX2 int32_t DotCodeQueryAvx2(const uint8_t* codes, const int8_t* query, size_t n) {
  const __m256i bias = _mm256_set1_epi16(128);
  __m256i sum = _mm256_setzero_si256();
  const size_t whole = n / 16 * 16;
  for (size_t i = 0; i < whole; i += 16) {
    const __m256i c = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i)));
    const __m256i q = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(query + i)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_sub_epi16(c, bias), q));
  }
  return SumAvx2(sum) + kScalarKernels.dot_code_query(codes + whole, query + whole, n - whole);
}

GRAPE_AVX2 int32_t DotCodesAvx2(const uint8_t* a, const uint8_t* b, size_t n) {
  const __m256i bias = _mm256_set1_epi16(128);
  __m256i sum = _mm256_setzero_si256();
  const size_t whole = n / 16 * 16;
  for (size_t i = 0; i < whole; i += 16) {
    const __m256i x = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i)));
    const __m256i y = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_sub_epi16(x, bias), _mm256_sub_epi16(y, bias)));
  }
  return SumAvx2(sum) + kScalarKernels.dot_codes(a + whole, b + whole, n - whole);
}

GRAPE_AVX512 float DotAvx512(const float* a, const float* b, size_t n) {
  __m512 sum = _mm512_setzero_ps();
  const size_t whole = n / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    sum = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), sum);
  }
  // Only the lanes of the rest: an addition of zero would turn -0 into +0.
  const __mmask16 rest = static_cast<__mmask16>((1u << (n - whole)) - 1);
  sum = _mm512_mask3_fmadd_ps(_mm512_maskz_loadu_ps(rest, a + whole), _mm512_maskz_loadu_ps(rest, b + whole), sum, rest);
  float lanes[kLanes];
  _mm512_storeu_ps(lanes, sum);
  return FinishLanes(lanes, n, n, [](size_t, float lane) { return lane; });
}

GRAPE_AVX512 float SquaredL2Avx512(const float* a, const float* b, size_t n) {
  __m512 sum = _mm512_setzero_ps();
  const size_t whole = n / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    const __m512 d = _mm512_sub_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
    sum = _mm512_fmadd_ps(d, d, sum);
  }
  const __mmask16 rest = static_cast<__mmask16>((1u << (n - whole)) - 1);
  const __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(rest, a + whole), _mm512_maskz_loadu_ps(rest, b + whole));
  sum = _mm512_mask3_fmadd_ps(d, d, sum, rest);
  float lanes[kLanes];
  _mm512_storeu_ps(lanes, sum);
  return FinishLanes(lanes, n, n, [](size_t, float lane) { return lane; });
}

// dpbusd multiplies unsigned by signed bytes: sum(c * q) - 128 * sum(q) is the sum over the unbiased codes.
GRAPE_AVX512 int32_t DotCodeQueryAvx512(const uint8_t* codes, const int8_t* query, size_t n) {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sum = _mm512_setzero_si512(), query_sum = _mm512_setzero_si512();
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const __m512i q = _mm512_loadu_si512(query + i);
    sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(codes + i), q);
    query_sum = _mm512_dpbusd_epi32(query_sum, ones, q);
  }
  if (i < n) {
    const __mmask64 rest = (~0ull) >> (64 - (n - i));
    const __m512i q = _mm512_maskz_loadu_epi8(rest, query + i);
    sum = _mm512_dpbusd_epi32(sum, _mm512_maskz_loadu_epi8(rest, codes + i), q);
    query_sum = _mm512_dpbusd_epi32(query_sum, ones, q);
  }
  return _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, _mm512_slli_epi32(query_sum, 7)));
}

GRAPE_AVX512 int32_t DotCodesAvx512(const uint8_t* a, const uint8_t* b, size_t n) {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80)), ones = _mm512_set1_epi8(1);
  __m512i sum = _mm512_setzero_si512(), b_sum = _mm512_setzero_si512();
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    const __m512i y = _mm512_xor_si512(_mm512_loadu_si512(b + i), flip);
    sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(a + i), y);
    b_sum = _mm512_dpbusd_epi32(b_sum, ones, y);
  }
  if (i < n) {
    const __mmask64 rest = (~0ull) >> (64 - (n - i));
    const __m512i y = _mm512_maskz_mov_epi8(rest, _mm512_xor_si512(_mm512_maskz_loadu_epi8(rest, b + i), flip));
    sum = _mm512_dpbusd_epi32(sum, _mm512_maskz_loadu_epi8(rest, a + i), y);
    b_sum = _mm512_dpbusd_epi32(b_sum, ones, y);
  }
  return _mm512_reduce_add_epi32(_mm512_sub_epi32(sum, _mm512_slli_epi32(b_sum, 7)));
}

}  // namespace

const Kernels kAvx2Kernels = {"avx2", DotAvx2, SquaredL2Avx2, DotCodeQueryAvx2, DotCodesAvx2};
const Kernels kAvx512Kernels = {"avx512-vnni", DotAvx512, SquaredL2Avx512, DotCodeQueryAvx512, DotCodesAvx512};

}  // namespace grape

#endif
