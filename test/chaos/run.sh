#!/usr/bin/env bash
# The part of `make test`: 90 seconds of chaos.
set -eu
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
MINUTES=1.5 exec node test/chaos/main.ts
