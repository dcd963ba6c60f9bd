import fc from 'fast-check';
import { META_GROUP } from '../raft/index.ts';
import type { ClusterPicture } from './cluster-view.ts';
import { applyMetaCommand } from './meta-state.ts';
import type { GroupConfiguration, GroupReport } from './node-status.ts';
import { placeMeta, placeShards } from './placement.ts';
import { type GroupChange, planRepairs } from './repair-plan.ts';
import { placementOf } from './meta-repairs.ts';
import { SETTINGS } from './testing/formation-bench.ts';
import type { ClusterMap, Member } from './types.ts';

const NODES = ['node-1', 'node-2', 'node-3'];

function memberNamed(nodeId: string, storeUuid = `store-of-${nodeId}`): Member {
  return { nodeId, storeUuid, raftAddress: 'r:1', grpcAddress: 'g:1', restAddress: 'h:1', zone: '' };
}

interface ModelGroup {
  configuration: GroupConfiguration;
  /** Replicas that have the whole log. */
  caughtUp: Set<number>;
  damaged: Set<number>;
}

/** Groups that do what they are asked, on nodes that are up or down: enough of a cluster to carry plans out. */
class Model {
  map: ClusterMap;
  readonly down = new Set<string>();
  readonly groups = new Map<number, ModelGroup>();
  /** Most groups that were catching up at one time. */
  catchingUp = 0;

  constructor(shardCount = SETTINGS.shardCount) {
    this.map = {
      clusterId: 'c',
      version: 1,
      settings: SETTINGS,
      members: NODES.map((nodeId) => memberNamed(nodeId)),
      meta: placeMeta(NODES),
      shards: placeShards({ nodeIds: NODES, ...SETTINGS, shardCount }),
      collections: [],
    };
    for (const group of [META_GROUP, ...this.map.shards.map(({ shard }) => shard)]) {
      const configuration = { index: 0, voters: [1, 2, 3], votersOutgoing: [], learners: [] };
      this.groups.set(group, { configuration, caughtUp: new Set([1, 2, 3]), damaged: new Set() });
    }
  }

  wipe(nodeId: string, store: string): void {
    const former = this.map.members.find((member) => member.nodeId === nodeId)!.storeUuid;
    this.#apply({ kind: 'readmitMember', former, member: memberNamed(nodeId, store) });
  }

  /** A node runs what the map gives it: of a replica that was replaced nothing is left. */
  #runs(group: number, replica: number): boolean {
    const placed = placementOf(this.map, group)!.replicas.find(({ replicaId }) => replicaId === replica);
    return (
      placed !== undefined && !this.down.has(placed.nodeId) && !this.groups.get(group)!.damaged.has(replica)
    );
  }

  leader(group: number): number | undefined {
    const { configuration, caughtUp } = this.groups.get(group)!;
    const { voters } = configuration;
    const able = voters.filter((replica) => this.#runs(group, replica) && caughtUp.has(replica));
    return able.length * 2 > voters.length ? able[0] : undefined;
  }

  picture(): ClusterPicture {
    const heard = new Map(
      NODES.filter((nodeId) => !this.down.has(nodeId)).map((nodeId) => {
        const groups = [...this.groups.keys()].flatMap((group) => this.#report(group, nodeId));
        const addresses = { raft: 'r:1', grpc: 'g:1', rest: 'h:1' };
        const status = {
          nodeId,
          version: '',
          addresses,
          zone: '',
          isStopping: false,
          mapVersion: 1,
          isDiskSlow: false,
          disk: 'ok' as const,
          groups,
        };
        return [nodeId, { status, ageMs: 0 }] as const;
      }),
    );
    return { map: this.map, heard, listeningMs: 60_000 };
  }

  #report(group: number, nodeId: string): GroupReport[] {
    const own = placementOf(this.map, group)!.replicas.find((replica) => replica.nodeId === nodeId);
    if (own === undefined) return [];
    const { configuration, caughtUp, damaged } = this.groups.get(group)!;
    const leader = this.leader(group);
    const leaderNode = placementOf(this.map, group)!.replicas.find(
      ({ replicaId }) => replicaId === leader,
    )?.nodeId;
    const isLeader = leader === own.replicaId;
    const members = [...configuration.voters, ...configuration.learners];
    return [
      {
        group,
        replicaId: own.replicaId,
        role: isLeader ? 'leader' : 'follower',
        term: 1,
        leaderNode,
        commit: 1000,
        applied: 1000,
        vectors: 0,
        isDamaged: damaged.has(own.replicaId),
        durableConfiguration: configuration.index,
        configuration: isLeader ? configuration : undefined,
        progress: isLeader
          ? members.map((replica) => ({
              replica,
              isLearner: configuration.learners.includes(replica),
              match: caughtUp.has(replica) ? 1000 : 0,
              state: caughtUp.has(replica) ? ('replicate' as const) : ('snapshot' as const),
              recentActive: this.#runs(group, replica),
            }))
          : [],
      },
    ];
  }

  /** What the leader of a group does with a step. */
  take({ group, change }: GroupChange): void {
    const model = this.groups.get(group)!;
    if (model.configuration.index !== change.configurationIndex || this.leader(group) === undefined) return;
    const voters = new Set(model.configuration.voters);
    const learners = new Set(model.configuration.learners);
    for (const { type, replica } of change.steps) {
      learners.delete(replica);
      voters.delete(replica);
      if (type === 'addLearner') learners.add(replica);
      if (type === 'addVoter') voters.add(replica);
    }
    // One that is lost stays until somebody can take its place.
    if (voters.size < NODES.length) throw new Error(`group ${group} has fewer voters than nodes`);
    const index = model.configuration.index + 1;
    model.configuration = { index, voters: [...voters].sort(), votersOutgoing: [], learners: [...learners] };
  }

  /** One round of the leader of `meta`, then some learners get further. */
  round(o: { readonly drops: boolean; readonly lags: boolean }): void {
    const { commands, changes } = planRepairs(this.picture());
    if (!o.drops) for (const change of changes) this.take(change);
    if (!o.drops && this.leader(META_GROUP) !== undefined)
      for (const command of commands) this.#apply(command);
    const waiting = [...this.groups].filter(
      ([group, { configuration }]) =>
        group !== META_GROUP && configuration.learners.some((learner) => this.#runs(group, learner)),
    );
    this.catchingUp = Math.max(this.catchingUp, waiting.length);
    if (o.lags) return;
    for (const [group, { configuration, caughtUp }] of this.groups) {
      for (const learner of configuration.learners) if (this.#runs(group, learner)) caughtUp.add(learner);
    }
  }

  #apply(command: Parameters<typeof applyMetaCommand>[1]): void {
    this.map = applyMetaCommand(this.map, command, this.map.version + 1).map!;
  }

  get isWhole(): boolean {
    return [...this.groups].every(([group, { configuration }]) => {
      const placement = placementOf(this.map, group)!;
      const wanted = placement.replicas.map(({ replicaId }) => replicaId);
      const isPlaced = wanted.join() === configuration.voters.join() && configuration.learners.length === 0;
      const { damaged } = this.groups.get(group)!;
      return isPlaced && placement.leaving.length === 0 && !wanted.some((replica) => damaged.has(replica));
    });
  }
}

test('a cluster that is as it should be is left alone', () => {
  expect(planRepairs(new Model().picture())).toEqual({ commands: [], changes: [] });
});

test('a wiped node is brought back step by step: learner, then voter in place of the one that is lost', () => {
  const model = new Model();
  model.wipe('node-2', 'new');
  const first = planRepairs(model.picture());
  expect(first.changes.map(({ group }) => group)).toEqual([META_GROUP, 0, 1, 2]);
  expect(first.changes[0]).toEqual({
    group: META_GROUP,
    leader: 'node-1',
    change: { configurationIndex: 0, steps: [{ type: 'addLearner', replica: 4 }] },
  });
  model.round({ drops: false, lags: true });
  expect(planRepairs(model.picture()).changes).toEqual([]);
  model.round({ drops: false, lags: false });
  expect(planRepairs(model.picture()).changes[0]?.change).toEqual({
    configurationIndex: 1,
    steps: [
      { type: 'addVoter', replica: 4 },
      { type: 'remove', replica: 2 },
    ],
  });
});

test('meta never waits for shards: a node learns from it what else it shall hold', () => {
  const model = new Model(12);
  model.wipe('node-2', 'new');
  model.round({ drops: false, lags: true });
  // Again, while the first replicas are on their way: those of meta have to be taken out first.
  model.wipe('node-2', 'newer');
  for (let round = 0; round < 2; round += 1) {
    for (const change of planRepairs(model.picture()).changes) model.take(change);
  }
  expect(model.groups.get(META_GROUP)!.configuration.learners).toEqual([5]);
});

test('learners on a node that is away do not keep others waiting', () => {
  const model = new Model();
  model.wipe('node-2', 'new');
  model.round({ drops: false, lags: true });
  model.down.add('node-2');
  const { changes } = planRepairs(model.picture());
  expect(changes.map(({ group }) => group)).toEqual([3]);
});

test('a learner is not made a voter when the group would stop with it', () => {
  const model = new Model();
  model.wipe('node-2', 'new');
  model.round({ drops: false, lags: false });
  // Its node is silent when its turn comes; together with the one that is lost that is a majority.
  model.down.add('node-2');
  expect(planRepairs(model.picture()).changes.filter(({ group }) => group === 0)).toEqual([]);
});

test('a group without a quorum of its other voters is left alone', () => {
  const model = new Model();
  model.wipe('node-2', 'new');
  model.down.add('node-3');
  expect(planRepairs(model.picture())).toEqual({ commands: [], changes: [] });
});

test('a replica with a damaged log is replaced, unless it is needed', () => {
  const model = new Model();
  model.groups.get(2)!.damaged.add(3);
  expect(planRepairs(model.picture()).commands).toEqual([{ kind: 'replaceReplica', group: 2, replicaId: 3 }]);
  model.groups.get(2)!.damaged.add(2);
  expect(planRepairs(model.picture()).commands).toEqual([]);
});

test('a replica that is damaged before it has a vote is replaced, although another one is leaving', () => {
  const model = new Model();
  model.wipe('node-2', 'new');
  model.groups.get(1)!.damaged.add(4);
  expect(planRepairs(model.picture()).commands).toContainEqual({
    kind: 'replaceReplica',
    group: 1,
    replicaId: 4,
  });
});

/** The picture of `model` in which the leader of `group` says something else of the replicas of `progress`. */
function pictureWith(
  model: Model,
  group: number,
  progress: ReadonlyMap<number, Partial<GroupReport['progress'][number]>>,
): ClusterPicture {
  const picture = model.picture();
  const seen = (report: GroupReport): GroupReport => ({
    ...report,
    progress: report.progress.map((one) => ({ ...one, ...progress.get(one.replica) })),
  });
  const heard = [...picture.heard].map(([nodeId, { status, ageMs }]) => {
    const groups = status.groups.map((report) => (report.group === group ? seen(report) : report));
    return [nodeId, { status: { ...status, groups }, ageMs }] as const;
  });
  return { ...picture, heard: new Map(heard) };
}

const SILENT = { recentActive: false };

const changesOf = (group: number, picture: ClusterPicture): readonly GroupChange[] =>
  planRepairs(picture).changes.filter((change) => change.group === group);

test('a damaged replica is not replaced while another voter is silent', () => {
  const model = new Model();
  model.groups.get(2)!.damaged.add(3);
  expect(planRepairs(pictureWith(model, 2, new Map([[2, SILENT]]))).commands).toEqual([]);
});

test('a voter is not removed when too few of the others answer', () => {
  const model = new Model();
  model.wipe('node-2', 'new');
  const group = model.groups.get(0)!;
  group.configuration = { index: 5, voters: [1, 2, 3, 4], votersOutgoing: [], learners: [] };
  group.caughtUp.add(4);
  expect(changesOf(0, model.picture())).toMatchObject([
    { change: { steps: [{ type: 'remove', replica: 2 }] } },
  ]);
  const silent = new Map([3, 4].map((replica) => [replica, SILENT]));
  expect(changesOf(0, pictureWith(model, 0, silent))).toEqual([]);
});

test('a learner is made a voter when it has almost everything, not before', () => {
  const model = new Model();
  model.wipe('node-2', 'new');
  model.round({ drops: false, lags: true });
  const at = (match: number): ClusterPicture =>
    pictureWith(model, 0, new Map([[4, { state: 'replicate', match }]]));
  expect(changesOf(0, at(500))).toEqual([]);
  expect(changesOf(0, at(950))).toHaveLength(1);
});

test('nothing is asked of a group whose configuration is joint: it leaves that by itself', () => {
  const model = new Model();
  model.wipe('node-2', 'new');
  const group = model.groups.get(0)!;
  group.configuration = { ...group.configuration, votersOutgoing: [1, 2, 3] };
  expect(changesOf(0, model.picture())).toEqual([]);
});

test('a replica that left is remembered until most voters have the change on their disk, not only their leader', () => {
  const model = new Model();
  model.wipe('node-2', 'new');
  const group = model.groups.get(0)!;
  group.configuration = { index: 1001, voters: [1, 3, 4], votersOutgoing: [], learners: [] };
  group.caughtUp.add(4);
  const withDurable = (nodeIds: readonly string[]): ClusterPicture => {
    const picture = model.picture();
    const heard = [...picture.heard].map(([nodeId, { status, ageMs }]) => {
      const durableConfiguration = nodeIds.includes(nodeId) ? 1001 : 1000;
      const groups = status.groups.map((report) =>
        report.group === 0 ? { ...report, durableConfiguration } : report,
      );
      return [nodeId, { status: { ...status, groups }, ageMs }] as const;
    });
    return { ...picture, heard: new Map(heard) };
  };
  expect(planRepairs(withDurable(['node-1'])).commands).toEqual([]);
  expect(planRepairs(withDurable(['node-1', 'node-3'])).commands).toEqual([
    { kind: 'forgetReplicas', group: 0, replicaIds: [2] },
  ]);
});

test('whatever is lost, dropped or late: with a quorum everything is whole in the end, and no quorum was given away', () => {
  const fault = fc.record({
    what: fc.constantFrom('wipe', 'damage', 'down', 'up'),
    node: fc.constantFrom(...NODES),
    group: fc.constantFrom(META_GROUP, 0, 1, 2, 3),
    drops: fc.boolean(),
    lags: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(fault, { maxLength: 40 }), (faults) => {
      const model = new Model();
      for (const [at, { what, node, group, drops, lags }] of faults.entries()) {
        // Faults of one node at a time, as a cluster of three can bear.
        const others = NODES.filter((other) => other !== node);
        const isQuiet = model.isWhole && model.down.size === 0 && others.length === 2;
        if (what === 'wipe' && (isQuiet || model.down.has(node))) model.wipe(node, `store ${at}`);
        const own = placementOf(model.map, group)!.replicas.find(({ nodeId }) => nodeId === node);
        if (what === 'damage' && isQuiet && own !== undefined)
          model.groups.get(group)!.damaged.add(own.replicaId);
        if (what === 'down' && isQuiet) model.down.add(node);
        if (what === 'up') model.down.delete(node);
        model.round({ drops, lags });
        for (const each of model.groups.keys()) {
          if (model.leader(each) === undefined) throw new Error(`group ${each} has lost its quorum`);
        }
      }
      model.down.clear();
      for (let round = 0; round < 40; round += 1) model.round({ drops: false, lags: false });
      expect(model.isWhole).toBe(true);
      expect(model.catchingUp).toBeLessThanOrEqual(4);
    }),
    { numRuns: 500 },
  );
});
