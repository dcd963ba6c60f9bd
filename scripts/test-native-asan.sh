#!/usr/bin/env bash
# Runs the tests of the native addon and of the stores on it with the addon built for AddressSanitizer: a use of freed
# memory, a read past a buffer or a double free ends the test run. Takes one to three minutes when the addon is cached.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
export PATH=$root/node_modules/.bin:$PATH
cd "$root"

SANITIZE=address scripts/build-native.sh

# Node.js itself is not instrumented: the run-time library has to be there before it starts, and what Node.js and the
# libraries keep until the end is no leak of ours.
asan=$("${CXX:-g++}" -print-file-name=libasan.so)
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
status=0
env LD_PRELOAD="$asan" GRAPE_NATIVE_FLAVOUR=address \
  ASAN_OPTIONS=detect_leaks=0:abort_on_error=0:exitcode=99:detect_stack_use_after_return=1:log_path="$log/report" \
  timeout 600 node node_modules/jest/bin/jest.js --selectProjects unit --runInBand \
  --testPathPatterns 'server/src/native/' 'server/src/storage/rocks-kv' 'server/src/storage/data-directory' "$@" || status=$?

# A process that a test started may have failed where the test did not look.
if compgen -G "$log/report*" >/dev/null; then
  cat "$log"/report* >&2
  echo 'test-native-asan: AddressSanitizer found errors' >&2
  exit 1
fi
exit "$status"
