#!/bin/sh
# Starts the server with the Node.js that the project ships, from any directory and through links.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")
root=$(dirname -- "$here")
exec "$root/node_modules/node/bin/node" --enable-source-maps "$root/server/dist/main.js" "$@"
