#include "kernels.h"

#include <cmath>

#include "kernel-sets.h"

namespace grape {

size_t AllKernels(const Kernels** sets, size_t sets_max) {
  size_t count = 0;
  const auto add = [&](const Kernels& kernels) {
    if (count < sets_max) sets[count++] = &kernels;
  };
  add(kScalarKernels);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) add(kAvx2Kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vnni")) {
    add(kAvx512Kernels);
  }
#elif defined(__aarch64__)
  add(kNeonKernels);
#endif
  return count;
}

const Kernels& BestKernels() {
  static const Kernels& best = [&]() -> const Kernels& {
    const Kernels* sets[8];
    return *sets[AllKernels(sets, 8) - 1];
  }();
  return best;
}

float Norm(const Kernels& kernels, const float* v, size_t n) { return std::sqrt(kernels.dot(v, v, n)); }

float ExactScore(const Kernels& kernels, Metric metric, const float* a, const float* b, size_t n, float norm_a,
                 float norm_b) {
  switch (metric) {
    case Metric::kCosine:
      return kernels.dot(a, b, n) / (norm_a * norm_b);
    case Metric::kDot:
      return kernels.dot(a, b, n);
    case Metric::kEuclidean:
      return std::sqrt(kernels.squared_l2(a, b, n));
  }
  return 0;
}

}  // namespace grape
