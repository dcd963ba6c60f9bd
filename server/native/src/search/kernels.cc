#include "kernels.h"

#include "kernel-sets.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace grape::search {

std::vector<const Kernels*> UsableKernels() {
  std::vector<const Kernels*> usable{&kScalarKernels};
#if defined(__x86_64__)
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("popcnt");
  if (!has_avx2) return usable;
  usable.push_back(&kAvx2Kernels);
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl");
  if (!wide) return usable;
  usable.push_back(&kAvx512Kernels);
  if (__builtin_cpu_supports("avx512vnni")) usable.push_back(&kAvx512VnniKernels);
#elif defined(__aarch64__)
  usable.push_back(&kNeonKernels);
  if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0) usable.push_back(&kNeonDotprodKernels);
#endif
  return usable;
}

const Kernels& BestKernels() {
  static const Kernels& best = *UsableKernels().back();
  return best;
}

}  // namespace grape::search
