import type { ClusterNode } from './cluster/index.ts';
import { memoryParts } from './compose-memory.ts';
import { machineCollector, type MemoryGuard, type Metrics } from './observability/index.ts';
import {
  META_GROUP,
  type PeerTransport,
  type RaftHost,
  type RaftMetrics,
  type TrafficMetrics,
} from './raft/index.ts';
import type { ShardHost } from './shard/index.ts';
import { DISK_STATES, type DiskGuard, type KvStore } from './storage/index.ts';

/** What the Raft host measures, as the metrics of the node. */
export function raftMetrics(metrics: Metrics): RaftMetrics {
  const { raft } = metrics;
  return {
    persisted: ({ seconds, synced }) => {
      if (synced) raft.observeFsync(seconds);
    },
    committed: (group, seconds) => raft.observeAppend(labelOf(group), seconds),
    proposed: (group, count) => raft.countProposals(labelOf(group), count),
    readsConfirmed: (group, { count, by }) => raft.countReads(labelOf(group), { count, by }),
    electionStarted: (group) => raft.countElection(labelOf(group)),
    snapshotDone: (group, snapshot) => raft.countSnapshot(labelOf(group), snapshot),
    snapshotFailed: (group, direction) => raft.countSnapshotFailure(labelOf(group), direction),
    compacted: (group, entries) => raft.countCompacted(labelOf(group), entries),
    // The replica has no leader from then on, which `grape_raft_has_leader` shows; the host logs why.
    damaged: (group) => raft.setGroup(labelOf(group), NOTHING_KNOWN),
  };
}

export function peerTraffic(metrics: Metrics): TrafficMetrics {
  return {
    sent: (bytes) => metrics.addNetworkBytes('raft', { sent: bytes }),
    received: (bytes) => metrics.addNetworkBytes('raft', { received: bytes }),
  };
}

interface Measured {
  readonly dataDirectory: string;
  /** `[index] ef_search` as it is now. */
  readonly efSearch: () => number;
  readonly raft: RaftHost;
  readonly shards: ShardHost;
  readonly stores: readonly KvStore[];
  readonly disk: DiskGuard;
  readonly memory: MemoryGuard;
  readonly cluster: ClusterNode;
  readonly transport: PeerTransport;
}

/** Gauges that are looked up every metrics interval. */
export function addCollectors(
  metrics: Metrics,
  { dataDirectory, efSearch, raft, shards, stores, disk, memory, cluster, transport }: Measured,
): void {
  metrics.addCollector(machineCollector(metrics, dataDirectory));
  metrics.beforeScrape(() => {
    const indexes = shards.stats();
    const sum = (of: (index: (typeof indexes)[number]) => number): number =>
      indexes.reduce((total, index) => total + of(index), 0);
    metrics.setIndexes({
      live: sum((index) => index.live),
      dead: sum((index) => index.dead),
      unlinked: sum((index) => index.unlinked),
      bytes: sum((index) => index.bytes),
      rebuilds: shards.indexRebuilds(),
    });
  });
  metrics.beforeScrape(() => metrics.setSearchRecall(shards.searchRecall(efSearch())));
  metrics.beforeScrape(() => {
    metrics.setMemoryParts(memoryParts({ shards, stores }));
    metrics.setMemoryRoom(memory.room);
  });
  metrics.beforeScrape(() => metrics.setRetries(shards.retryTotals()));
  metrics.beforeScrape(() => {
    const { state, availableBytes, ballastBytes, limits } = disk.room;
    const { softBytes, hardBytes } = limits;
    metrics.setDiskRoom({
      level: DISK_STATES.indexOf(state),
      isSlow: raft.isDiskSlow,
      availableBytes,
      ballastBytes,
      softBytes,
      hardBytes,
    });
    metrics.setStanding(cluster.standing);
    metrics.setDamagedReplicas(
      raft.groups().filter((group) => raft.status(group).damage !== undefined).length,
    );
  });
  metrics.raft.beforeScrape(() => {
    const backlogs = transport.peers.map((nodeId) => [nodeId, transport.backlogBytes(nodeId)] as const);
    metrics.raft.setPeerBacklogs(new Map(backlogs));
  });
  metrics.addCollector(() => {
    const counts = stores.map((store) => store.cacheCounts());
    metrics.setCacheTotals({
      hits: counts.reduce((total, { hits }) => total + hits, 0),
      misses: counts.reduce((total, { misses }) => total + misses, 0),
    });
  });
  metrics.addCollector(() => {
    for (const { shard } of cluster.map()?.shards ?? []) {
      if (shards.shards().includes(shard)) metrics.setShardVectors(shard, shards.vectors(shard));
    }
    for (const group of raft.groups()) {
      const { isLeader, leaderNode, raft: state } = raft.status(group);
      metrics.raft.setGroup(labelOf(group), {
        term: state.term,
        commitIndex: state.commit,
        appliedIndex: state.applied,
        lastIndex: state.lastIndex,
        isLeader,
        hasLeader: leaderNode !== undefined,
      });
    }
  });
}

const NOTHING_KNOWN = {
  term: 0,
  commitIndex: 0,
  appliedIndex: 0,
  lastIndex: 0,
  isLeader: false,
  hasLeader: false,
};

function labelOf(group: number): string {
  return group === META_GROUP ? 'meta' : String(group);
}
