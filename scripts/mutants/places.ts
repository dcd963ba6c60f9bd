/** The files that mutants change and the tests that kill them, from the root of the repository. */
const RAFT_FOLDER = 'server/src/raft';

export const inRaft = (file: string): { readonly file: string } => ({ file: `${RAFT_FOLDER}/${file}` });
export const inCore = (file: string): { readonly file: string } => inRaft(`core/${file}`);

export const CORE = {
  scenarios: `${RAFT_FOLDER}/core/scenarios.test.ts`,
  simulation: `${RAFT_FOLDER}/core/simulation.test.ts`,
  raft: `${RAFT_FOLDER}/core/raft.test.ts`,
  log: `${RAFT_FOLDER}/core/log/raft-log.test.ts`,
  quorum: `${RAFT_FOLDER}/core/quorum/quorum.test.ts`,
  conf: `${RAFT_FOLDER}/core/confchange/change-conf.test.ts`,
  reads: `${RAFT_FOLDER}/core/reads/reads.test.ts`,
  inflights: `${RAFT_FOLDER}/core/tracker/inflights.test.ts`,
  progress: `${RAFT_FOLDER}/core/tracker/progress.test.ts`,
} as const;

export const DRIVER = {
  host: `${RAFT_FOLDER}/driver/raft-host.test.ts`,
  crashes: `${RAFT_FOLDER}/driver/crashes.test.ts`,
  restarts: `${RAFT_FOLDER}/driver/restarts.test.ts`,
  floor: `${RAFT_FOLDER}/driver/floor.test.ts`,
  compactor: `${RAFT_FOLDER}/driver/compactor.test.ts`,
  snapshots: `${RAFT_FOLDER}/driver/snapshots.test.ts`,
  membership: `${RAFT_FOLDER}/driver/membership.test.ts`,
  leases: `${RAFT_FOLDER}/driver/leases.test.ts`,
  leaseTimer: `${RAFT_FOLDER}/driver/lease-timer.test.ts`,
  timing: `${RAFT_FOLDER}/driver/timing.test.ts`,
  stalls: `${RAFT_FOLDER}/driver/stalls.test.ts`,
} as const;

export const RAFT = {
  logStore: `${RAFT_FOLDER}/log/log-store.test.ts`,
  damagedRows: `${RAFT_FOLDER}/log/damaged-rows.test.ts`,
  floorCheck: `${RAFT_FOLDER}/log/floor-check.test.ts`,
  transport: `${RAFT_FOLDER}/transport/peer-transport.test.ts`,
} as const;

export const SERVER = {
  poison: 'server/src/storage/poison.test.ts',
  directory: 'server/src/storage/data-directory.test.ts',
  floor: 'server/src/storage/floor-keeper.test.ts',
  limits: 'server/src/storage/disk-limits.test.ts',
  plan: 'server/src/cluster/repair-plan.test.ts',
  repairs: 'server/src/cluster/meta-repairs.test.ts',
  ledger: 'server/src/engine/retry-ledger.test.ts',
  retries: 'test/contract/shard-retries.test.ts',
  snapshots: 'test/contract/shard-snapshots.test.ts',
  claim: 'server/src/service/retry-claim.test.ts',
} as const;
