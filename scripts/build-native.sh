#!/usr/bin/env bash
# Builds server/native into server/native/build/<flavour>/grape_native.node, where <flavour> is "release", or "address"
# with SANITIZE=address. Does nothing when no input changed; keeps built addons by the hash of their inputs under
# ${XDG_CACHE_HOME:-~/.cache}/grape/native, so that a fresh checkout of the same sources does not compile again.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
native=$root/server/native
sanitize=${SANITIZE:-}
case $sanitize in
  '' ) flavour=release ;;
  address ) flavour=address ;;
  * ) echo "build-native: SANITIZE must be empty or address" >&2; exit 2 ;;
esac
stage=$native/build/$flavour
addon=$stage/grape_native.node
cache=${XDG_CACHE_HOME:-$HOME/.cache}/grape/native
cached_max=8
export PATH=$root/node_modules/.bin:$PATH

# Where binding.gyp finds the headers of an npm package.
headers() { node -p "require('path').resolve(require('$1').include_dir)"; }

# Everything that the result depends on: our files, the headers and libraries, the compiler.
inputs_hash() {
  {
    cd "$native"
    find binding.gyp gyp src -type f | LC_ALL=C sort | xargs sha256sum
    sha256sum "$root/scripts/build-native.sh" | cut -d' ' -f1
    sha256sum "$(headers node-addon-api)"/napi*.h "$(headers node-api-headers)"/*.h | cut -d' ' -f1
    "${CXX:-g++}" -dumpfullversion -dumpmachine
    dpkg-query -W librocksdb-dev libfaiss-dev libopenblas-dev 2>/dev/null || true
    echo "$flavour ${CXXFLAGS:-} ${LDFLAGS:-}"
  } | sha256sum | cut -d' ' -f1
}

mkdir -p "$stage"
# One build of a flavour at a time: two would write the same objects.
exec 9>"$stage/lock"
flock 9

hash=$(inputs_hash)
if [ -f "$addon" ] && [ "$(cat "$stage/inputs" 2>/dev/null)" = "$hash" ]; then
  echo "build-native: $flavour is up to date"
  exit 0
fi

if [ -f "$cache/$hash.node" ]; then
  cp "$cache/$hash.node" "$addon.new"
  touch "$cache/$hash.node"
  echo "build-native: $flavour taken from $cache"
else
  ln -sfn "$native/binding.gyp" "$stage/binding.gyp"
  ln -sfn "$native/src" "$stage/src"
  cd "$stage"
  # --nodedir: our own stand-in for the headers of a Node.js release, so that nothing is downloaded (gyp/common.gypi).
  nice "$root/node_modules/.bin/node-gyp" configure build --release --jobs "$(nproc)" --loglevel warn \
    --nodedir "$native/gyp" "--sanitize=${sanitize:-none}" >"$stage/log" 2>&1 || { cat "$stage/log" >&2; exit 1; }
  grep -E 'warning:' "$stage/log" >&2 || true
  if [ "$(inputs_hash)" != "$hash" ]; then
    echo "build-native: the sources changed during the build; run it again" >&2
    exit 1
  fi
  cp "$stage/build/Release/grape_native.node" "$addon.new"
  mkdir -p "$cache"
  cp "$addon.new" "$cache/$hash.$$" && mv "$cache/$hash.$$" "$cache/$hash.node"
  ls -t "$cache"/*.node | tail -n +$((cached_max + 1)) | xargs -r rm -f
  echo "build-native: $flavour built"
fi
# Replaced, never rewritten: a running process keeps the file that it has mapped.
mv "$addon.new" "$addon"
echo "$hash" >"$stage/inputs"
