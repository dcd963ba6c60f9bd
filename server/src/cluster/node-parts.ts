import { asError } from '../base/index.ts';
import { META_GROUP } from '../raft/index.ts';
import type { ClusterDeps } from './cluster-node.ts';
import type { ClusterPicture } from './cluster-view.ts';
import { IndexChanges } from './index-changes.ts';
import type { KnownMap } from './known-map.ts';
import { LeaderBalancer } from './leader-balancer.ts';
import { LocalReplicas } from './local-replicas.ts';
import { MapExchange } from './map-exchange.ts';
import { MetaLeader } from './meta-leader.ts';
import type { MetaStore } from './meta-store.ts';
import { Periodic } from './periodic.ts';
import { Permissions } from './permissions.ts';
import type { Groups, Hello, Peers } from './ports.ts';
import { Readmissions } from './readmissions.ts';
import { Repairer } from './repairer.ts';
import type { Standing } from './standing.ts';
import { StatusExchange } from './status-exchange.ts';
import type { ClusterMap, Member } from './types.ts';

/** How often the leader of `meta` looks for something to propose. */
const DUTIES_PERIOD_MS = 500;

/** What is made after `open`, because it needs `hello`, `refusal` and `applier`. */
export interface ClusterConnections {
  readonly groups: Groups;
  readonly peers: Peers;
}

/** What the parts of a node ask of it. */
export interface NodeView {
  readonly deps: ClusterDeps;
  readonly meta: MetaStore;
  readonly known: KnownMap;
  readonly stopping: AbortSignal;
  readonly isStopping: () => boolean;
  readonly standing: () => Standing;
  readonly map: () => ClusterMap | undefined;
  /** Node id of the leader of `meta`. */
  readonly leader: () => string | undefined;
  readonly picture: () => ClusterPicture | undefined;
  readonly members: () => readonly Member[];
  readonly refusal: (peer: Hello) => string | undefined;
  readonly leadMeta: () => Promise<void>;
  readonly tidyUp: () => Promise<void>;
}

/** The parts of a node that talk to others. */
export interface NodeParts extends ClusterConnections {
  readonly replicas: LocalReplicas;
  readonly exchange: StatusExchange;
  readonly balancer: LeaderBalancer;
  readonly leader: MetaLeader;
  readonly duties: Periodic;
  readonly maps: MapExchange;
  readonly permissions: Permissions;
  readonly indexChanges: IndexChanges;
}

/** Makes the parts and lets them answer others; what asks of others itself is started by whoever becomes a member. */
export function startParts({ groups, peers }: ClusterConnections, view: NodeView): NodeParts {
  const { deps, meta, known } = view;
  const { clock, logger, onFatal, shards, options } = deps;
  const { nodeId } = options;
  const isMember = (from: Hello): boolean => view.refusal(from) === undefined;
  const others = (): readonly Member[] => view.members().filter((member) => member.nodeId !== nodeId);
  const { map, leader: leaderOfMeta } = view;

  const replicas = new LocalReplicas({ nodeId, groups, shards, logger, meta });
  const repairer = new Repairer({ nodeId, groups, peers, logger, isMember });
  const leader = new MetaLeader({ groups, clock, logger, repairer, stopping: view.stopping });
  const exchange = new StatusExchange({
    clock,
    logger,
    peers,
    ownStatus: () =>
      replicas.status(options, {
        isStopping: view.isStopping(),
        mapVersion: known.map?.version ?? 0,
        disk: deps.disk().state,
        isDiskSlow: groups.isDiskSlow,
      }),
    isMember,
    others: () => others().map((member) => member.nodeId),
    onFatal,
  });
  const balancer = new LeaderBalancer({
    nodeId,
    groups,
    clock,
    logger,
    onFatal,
    disk: () => deps.disk().state,
    isDiskSlow: () => groups.isDiskSlow,
    picture: view.picture,
  });
  const duties = new Periodic({
    clock,
    periodMs: DUTIES_PERIOD_MS,
    run: async () => {
      await view.leadMeta();
      await view.tidyUp();
    },
    onError: onFatal,
  });
  const maps = new MapExchange({
    clock,
    logger,
    peers,
    known,
    others,
    heard: () => exchange.heard(),
    onFatal,
  });
  const isLeader = (): boolean => leader.isLeader;
  const permissions = new Permissions({ peers, clock, logger, map, isLeader, leader: leaderOfMeta });
  const indexChanges = new IndexChanges({ peers, clock, proposer: leader, leader: leaderOfMeta });
  const readmissions = readmissionsOf(view, { peers, leader, permissions });
  for (const part of [permissions, indexChanges, repairer, readmissions]) part.start();
  groups.onLeaderChange((group, _leader, isLeaderHere) => {
    balancer.leaderChanged(group);
    // The first map should not wait for the next period.
    if (group === META_GROUP && isLeaderHere)
      view.leadMeta().catch((error: unknown) => onFatal(asError(error)));
  });
  return { groups, peers, replicas, exchange, balancer, leader, duties, maps, permissions, indexChanges };
}

function readmissionsOf(
  view: NodeView,
  parts: { readonly peers: Peers; readonly leader: MetaLeader; readonly permissions: Permissions },
): Readmissions {
  const { peers, leader, permissions } = parts;
  const { options, logger } = view.deps;
  return new Readmissions({
    nodeId: options.nodeId,
    peers,
    leader,
    onAdmitted: (nodeId) => permissions.withdraw(nodeId),
    logger,
    standing: () => {
      const standing = view.standing();
      const picture = view.picture();
      return standing.kind === 'member' && picture !== undefined
        ? { record: standing.record, picture }
        : undefined;
    },
    leaderAddress: () => view.members().find(({ nodeId }) => nodeId === view.leader())?.raftAddress,
  });
}
