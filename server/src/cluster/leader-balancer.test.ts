import { FakeClock } from '../base/index.ts';
import { silentLogger } from '../observability/index.ts';
import { META_GROUP } from '../raft/index.ts';
import type { DiskState } from '../storage/index.ts';
import type { ClusterPicture } from './cluster-view.ts';
import { LeaderBalancer } from './leader-balancer.ts';
import type { GroupReport } from './node-status.ts';
import { placeMeta, placeShards } from './placement.ts';
import type { Groups, GroupState } from './ports.ts';
import { SETTINGS } from './testing/formation-bench.ts';
import type { ClusterMap, Member } from './types.ts';

const NODES = ['node-1', 'node-2', 'node-3'];

const MAP: ClusterMap = {
  clusterId: 'c',
  version: 1,
  settings: SETTINGS,
  members: NODES.map((nodeId): Member => {
    return {
      nodeId,
      storeUuid: nodeId,
      raftAddress: 'r:1',
      grpcAddress: 'g:1',
      restAddress: 'h:1',
      zone: '',
    };
  }),
  meta: placeMeta(NODES),
  shards: placeShards({ nodeIds: NODES, ...SETTINGS }),
  collections: [],
};
const GROUPS = [...MAP.shards.map(({ shard }) => shard), META_GROUP];

/** Node 1 leads every group; everybody has everything. */
class World {
  readonly clock = new FakeClock();
  readonly disks = new Map<string, DiskState>(NODES.map((nodeId) => [nodeId, 'ok']));
  readonly slow = new Set<string>();
  readonly transfers: { group: number; to: string }[] = [];

  async round(seconds = 1): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.clock.advance(1000);
      for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
    }
  }

  start(): LeaderBalancer {
    const state = {
      leaderNode: 'node-1',
      isLeader: true,
      raft: { transferee: 0 },
    } as unknown as GroupState;
    const groups = {
      groups: () => GROUPS,
      status: () => state,
      transferLeader: (group: number, to: string) => this.transfers.push({ group, to }),
    } as unknown as Groups;
    const balancer = new LeaderBalancer({
      nodeId: 'node-1',
      groups,
      clock: this.clock,
      logger: silentLogger,
      disk: () => this.disks.get('node-1')!,
      isDiskSlow: () => this.slow.has('node-1'),
      picture: () => this.#picture(),
      onFatal: (error) => {
        throw error;
      },
    });
    for (const group of GROUPS) balancer.leaderChanged(group);
    balancer.start();
    return balancer;
  }

  #picture(): ClusterPicture {
    const heard = NODES.map((nodeId, at) => {
      const groups = GROUPS.map((group) => reportOf(group, at + 1));
      const addresses = { raft: 'r:1', grpc: 'g:1', rest: 'h:1' };
      const disk = this.disks.get(nodeId)!;
      const status = {
        nodeId,
        version: '',
        addresses,
        zone: '',
        isStopping: false,
        mapVersion: 1,
        disk,
        isDiskSlow: this.slow.has(nodeId),
        groups,
      };
      return [nodeId, { status, ageMs: 0 }] as const;
    });
    return { map: MAP, heard: new Map(heard), listeningMs: 60_000 };
  }
}

function reportOf(group: number, replicaId: number): GroupReport {
  const progress = [1, 2, 3].map((replica) => {
    return { replica, isLearner: false, match: 10, state: 'replicate' as const, recentActive: true };
  });
  const isLeader = replicaId === 1;
  return {
    ...{ group, replicaId, term: 1, leaderNode: 'node-1', commit: 10, applied: 10, vectors: 0 },
    role: isLeader ? 'leader' : 'follower',
    isDamaged: false,
    durableConfiguration: 0,
    configuration: undefined,
    progress: isLeader ? progress : [],
  };
}

test('a node whose disk fills up hands everything, meta too, to the nodes with room', async () => {
  const world = new World();
  world.disks.set('node-1', 'low').set('node-3', 'low');
  const balancer = world.start();
  await world.round();
  expect(new Set(world.transfers.map(({ group }) => group))).toEqual(new Set(GROUPS));
  expect(new Set(world.transfers.map(({ to }) => to))).toEqual(new Set(['node-2']));
  await balancer.stop();
});

test('when nobody has room everybody keeps what it leads', async () => {
  const world = new World();
  for (const nodeId of NODES) world.disks.set(nodeId, 'low');
  const balancer = world.start();
  await world.round(60);
  expect(world.transfers).toEqual([]);
  await balancer.stop();
});

test('a preferred leader without room gets nothing back until it has had room for a while', async () => {
  const world = new World();
  world.disks.set('node-2', 'low').set('node-3', 'full');
  const balancer = world.start();
  await world.round(60);
  expect(world.transfers).toEqual([]);
  world.disks.set('node-2', 'ok');
  await world.round(20);
  expect(world.transfers).toEqual([]);
  await world.round(20);
  expect(new Set(world.transfers.map(({ to }) => to))).toEqual(new Set(['node-2']));
  await balancer.stop();
});

test('a node whose disk is slow hands everything to those whose disks are quick, and keeps it when none is', async () => {
  const world = new World();
  world.slow.add('node-1').add('node-2');
  const balancer = world.start();
  await world.round();
  expect(world.transfers.length).toBeGreaterThanOrEqual(GROUPS.length);
  expect(new Set(world.transfers.map(({ to }) => to))).toEqual(new Set(['node-3']));
  world.transfers.length = 0;
  world.slow.add('node-3');
  await world.round(3);
  expect(world.transfers).toEqual([]);
  await balancer.stop();
});
