#!/usr/bin/env bash
# The part of `make test`: as many seeds as fit six minutes, at least 500.
set -eu
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."
MINUTES=${SIM_MINUTES:-6} LEAST=${SIM_LEAST:-500} exec node test/sim/main.ts
