#pragma once

#include "kernels.h"

namespace grape::search {

/** Runs everywhere. The definition that the others are tested against. */
extern const Kernels kScalarKernels;

#if defined(__x86_64__)
/** Needs AVX2, FMA and POPCNT. */
extern const Kernels kAvx2Kernels;
/** Float sums with AVX-512 (F, BW, VL), codes with AVX2. */
extern const Kernels kAvx512Kernels;
/** The same with VNNI for codes. */
extern const Kernels kAvx512VnniKernels;

/** Shared by the two sets without VNNI. */
void CodeDotsAvx2(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums);
void BitDotsAvx2(const int8_t* query, const uint8_t* const* records, size_t count, size_t code_bytes, int32_t* sums);
int32_t CodePairAvx2(const uint8_t* record, const uint8_t* other, size_t code_bytes);
uint32_t BitPairAvx2(const uint8_t* record, const uint8_t* other, size_t code_bytes);
#endif

#if defined(__aarch64__)
/** Runs on every such processor. */
extern const Kernels kNeonKernels;
/** The same with the products of four bytes at once that came with Armv8.2. */
extern const Kernels kNeonDotprodKernels;
#endif

}  // namespace grape::search
