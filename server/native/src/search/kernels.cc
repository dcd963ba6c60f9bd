#include "kernels.h"

#include "kernel-sets.h"

namespace grape::search {

std::vector<const Kernels*> UsableKernels() {
  std::vector<const Kernels*> usable{&kScalarKernels};
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return usable;
  usable.push_back(&kAvx2Kernels);
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl");
  if (!wide) return usable;
  usable.push_back(&kAvx512Kernels);
  if (__builtin_cpu_supports("avx512vnni")) usable.push_back(&kAvx512VnniKernels);
#endif
  return usable;
}

const Kernels& BestKernels() {
  static const Kernels& best = *UsableKernels().back();
  return best;
}

}  // namespace grape::search
