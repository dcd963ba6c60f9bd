#if defined(__aarch64__)

#include <arm_neon.h>

#include "kernel-sets.h"
#include "lanes.h"

namespace grape {
namespace {

template <typename Step>
inline void OverBlocks(float* lanes, size_t whole, Step step) {
  float32x4_t sums[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
  for (size_t i = 0; i < whole; i += kLanes) {
    for (size_t part = 0; part < 4; part++) sums[part] = step(i + 4 * part, sums[part]);
  }
  for (size_t part = 0; part < 4; part++) vst1q_f32(lanes + 4 * part, sums[part]);
}

float Dot(const float* a, const float* b, size_t n) {
  float lanes[kLanes];
  const size_t whole = n / kLanes * kLanes;
  OverBlocks(lanes, whole, [&](size_t i, float32x4_t sum) { return vfmaq_f32(sum, vld1q_f32(a + i), vld1q_f32(b + i)); });
  return FinishLanes(lanes, whole, n, [&](size_t i, float sum) { return std::fma(a[i], b[i], sum); });
}

float SquaredL2(const float* a, const float* b, size_t n) {
  float lanes[kLanes];
  const size_t whole = n / kLanes * kLanes;
  OverBlocks(lanes, whole, [&](size_t i, float32x4_t sum) {
    const float32x4_t d = vsubq_f32(vld1q_f32(a + i), vld1q_f32(b + i));
    return vfmaq_f32(sum, d, d);
  });
  return FinishLanes(lanes, whole, n, [&](size_t i, float sum) {
    const float d = a[i] - b[i];
    return std::fma(d, d, sum);
  });
}

inline int32x4_t MultiplyAdd(int32x4_t sum, int8x16_t a, int8x16_t b) {
  sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
  return vpadalq_s16(sum, vmull_high_s8(a, b));
}

inline int8x16_t Unbiased(const uint8_t* codes) {
  return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(codes), vdupq_n_u8(0x80)));
}

int32_t DotCodeQuery(const uint8_t* codes, const int8_t* query, size_t n) {
  int32x4_t sum = vdupq_n_s32(0);
  const size_t whole = n / 16 * 16;
  for (size_t i = 0; i < whole; i += 16) sum = MultiplyAdd(sum, Unbiased(codes + i), vld1q_s8(query + i));
  return vaddvq_s32(sum) + kScalarKernels.dot_code_query(codes + whole, query + whole, n - whole);
}

int32_t DotCodes(const uint8_t* a, const uint8_t* b, size_t n) {
  int32x4_t sum = vdupq_n_s32(0);
  const size_t whole = n / 16 * 16;
  for (size_t i = 0; i < whole; i += 16) sum = MultiplyAdd(sum, Unbiased(a + i), Unbiased(b + i));
  return vaddvq_s32(sum) + kScalarKernels.dot_codes(a + whole, b + whole, n - whole);
}

}  // namespace

const Kernels kNeonKernels = {"neon", Dot, SquaredL2, DotCodeQuery, DotCodes};

}  // namespace grape

#endif
