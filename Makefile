# Everything a developer or user types. `make help` lists the targets from their ## comments.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# The project's own Node.js 24 and tools come first: the machine's Node.js may be older.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

NODES ?= 3
export NODES

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Start a cluster on this machine with sample data (NODES=3, or 1), until Ctrl-C
	@exec node scripts/run.ts

.PHONY: setup
setup: ## Install what the build needs (apt and npm packages)
	@sh scripts/setup.sh

.PHONY: build
build: setup ## Build the addon and the TypeScript, leave bin/grape-vector-db-server
	@bash scripts/build-native.sh
	@tsc -b server bench
	@mkdir -p bin && install -m 755 scripts/grape-vector-db-server.sh bin/grape-vector-db-server

.PHONY: check
check: setup ## Static checks: format, lint, types, layers, dead code
	@prettier --check --log-level warn .
	@tsc -b && tsc -p scripts
	@eslint --max-warnings 0 .
	@depcruise --config .dependency-cruiser.mjs server bench test scripts
	@knip
	@node scripts/mutants.ts --check

.PHONY: test
test: build ## The whole suite, ending in "N passed, N failed"
	@node scripts/test.ts

.PHONY: test-full
test-full: build ## The suite and the long cases that CI leaves out
	@node scripts/test.ts --full

.PHONY: chaos
chaos: build ## Faults on real processes under load, checked for lost or stale data (MINUTES=5, SEED=.., LEASES=1)
	@MINUTES=$${MINUTES:-5} node test/chaos/main.ts

.PHONY: sim
sim: build ## Raft and its log in virtual time, with faults, one cluster a seed (SEED=42 replays; MINUTES=1, SEEDS=..)
	@node test/sim/main.ts

.PHONY: mutants
mutants: build ## Break the rules of replication one at a time: a test must notice each
	@node scripts/mutants.ts

.PHONY: bench
bench: build ## Writes and searches per second of a local three-node cluster
	@node bench/src/main.ts

.PHONY: bench-search
bench-search: build ## Searches per second and core over REST, JSON and binary, and durable upserts (DATA=directory of a data set)
	@node bench/src/search/main.ts

.PHONY: bench-raft
bench-raft: build ## Figures of consensus: commits, latency, failover, transfers (to docs/reference/raft.md)
	@node test/figures/main.ts

.PHONY: docs
docs: build ## Generate docs/reference from the schemas
	@node scripts/generate-docs.ts

.PHONY: format
format: setup ## Rewrite files in the project's format
	@prettier --write --log-level warn .

.PHONY: clean
clean: ## Remove build outputs (not the data)
	@rm -rf bin server/dist bench/dist test/dist server/native/build
