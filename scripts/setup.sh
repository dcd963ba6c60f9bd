#!/bin/sh
# Installs what the build and the tests need: Debian/Ubuntu packages, then the npm packages of the lock file.
set -eu
cd "$(dirname -- "$0")/.."

packages="g++ python3 libfaiss-dev librocksdb-dev libopenblas-dev"
# For the tests alone.
packages="$packages faketime"

missing=""
for package in $packages; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done

if [ -n "$missing" ]; then
  install="apt-get install -y --no-install-recommends$missing"
  if [ "$(id -u)" = 0 ]; then run=""; elif sudo -n true 2>/dev/null; then run="sudo"; else run="none"; fi
  if [ "$run" = none ]; then
    echo "These packages are missing and may not be installed without a password. Type this line, then make again:" >&2
    echo "  sudo apt-get update && sudo $install" >&2
    exit 1
  fi
  echo "installing$missing"
  $run apt-get update -q
  DEBIAN_FRONTEND=noninteractive $run $install
fi

# npm ci empties node_modules first, so it runs only when the lock file, or the npm that read it, changed.
stamp=node_modules/.setup-stamp
wanted=$(cat package-lock.json package.json server/package.json bench/package.json .npmrc | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  npm ci --no-audit --no-fund --loglevel=error
  printf '%s\n' "$wanted" > "$stamp"
fi
[ -x node_modules/node/bin/node ] || { echo "the npm package 'node' brought no Node.js for this machine" >&2; exit 1; }
