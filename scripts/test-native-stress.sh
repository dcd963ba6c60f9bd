#!/usr/bin/env bash
# Tests of the vector index without Node.js: kernels against their definition, then the stress program, plain and under
# ThreadSanitizer and AddressSanitizer (with UndefinedBehaviorSanitizer). SECONDS_EACH=10 by default; SEED repeats a run.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
native=$root/server/native
seconds=${SECONDS_EACH:-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sources=("$native"/src/lane.cc "$native"/src/pool.cc)
for source in "$native"/src/search/*.cc "$native"/src/search/fields/*.cc; do
  # What speaks to Node.js stays out.
  grep -q 'napi.h\|jobs.h' "$source" "${source%.cc}.h" 2>/dev/null || sources+=("$source")
done
common=(-std=c++17 -g1 -fno-math-errno -Wall -Wextra -Werror -I "$native/src")
libraries=(-lfaiss -lopenblas -lgomp -lpthread)

# build <name> <program> <flag>...
build() {
  local name=$1 program=$2
  shift 2
  mkdir -p "$work/$name"
  (cd "$work/$name" && printf '%s\0' "$native/test/$program" "${sources[@]}" |
    xargs -0 -P "$(nproc)" -n 1 nice "${CXX:-g++}" "${common[@]}" "$@" -c)
  "${CXX:-g++}" "$@" -o "$work/$name/program" "$work/$name"/*.o "${libraries[@]}"
}

stress() {
  echo "test-native-stress: $1"
  timeout $((seconds * 6 + 60)) nice "$work/$1/program" "$seconds" "$work" ${SEED:-}
}

build kernels kernels_test.cc -O2
nice "$work/kernels/program"

build plain stress.cc -O3
stress plain
# libfaiss and libopenblas are not built for the sanitizers: they are called from one thread at a time, and what we lock
# around them is seen.
build thread stress.cc -O1 -fsanitize=thread
TSAN_OPTIONS=halt_on_error=1:exitcode=66 stress thread
build address stress.cc -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 stress address
