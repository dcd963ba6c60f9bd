#!/bin/sh
# Starts the server with the Node.js that the project ships, from any directory and through links.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")
root=$(dirname -- "$here")
# A request leaves garbage of a few hundred KB at most: a small young generation collects it as well as a large one, and
# saves some 100 MB of resident memory per node. What lives long is little and grows slowly: an old generation that may
# grow by half before it is collected, instead of several times, saves 60 MB more (docs/guides/benchmarks.md).
exec "$root/node_modules/node/bin/node" --enable-source-maps --max-semi-space-size=4 --heap-growing-percent=50 \
  "$root/server/dist/main.js" "$@"
