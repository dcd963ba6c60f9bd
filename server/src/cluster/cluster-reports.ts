import { GrapeError } from '../base/index.ts';
import type { MemoryRoom } from '../observability/index.ts';
import { META_GROUP } from '../raft/index.ts';
import {
  type ClusterInfo,
  infoOf,
  type NodesInfo,
  nodesOf,
  shardsOf,
  type ShardsInfo,
} from './cluster-json.ts';
import type { ClusterPicture } from './cluster-view.ts';
import { type Health, judge, type NodeDisk, type Verdict } from './health.ts';
import type { GroupState, Groups, Peers } from './ports.ts';
import type { Standing } from './standing.ts';
import type { ClusterMap } from './types.ts';

interface ReportsDeps {
  readonly nodeId: string;
  readonly version: string;
  /** Undefined until the node has started. */
  readonly connections: () => { readonly groups: Groups; readonly peers: Peers } | undefined;
  readonly standing: () => Standing;
  readonly disk: () => NodeDisk;
  readonly memory: () => MemoryRoom;
  readonly map: () => ClusterMap | undefined;
  readonly picture: () => ClusterPicture | undefined;
}

/** What this node says about itself and the cluster. */
export class ClusterReports {
  readonly #deps: ReportsDeps;

  constructor(deps: ReportsDeps) {
    this.#deps = deps;
  }

  /** `GET /cluster/info`; this and the next two throw NOT_A_MEMBER before there is a map. */
  info(): ClusterInfo {
    return infoOf(this.#knownPicture(), this.#deps);
  }

  nodes(): NodesInfo {
    return nodesOf(this.#knownPicture());
  }

  shards(): ShardsInfo {
    return shardsOf(this.#knownPicture());
  }

  health(): Health {
    const meta = this.groupState(META_GROUP);
    const role = meta === undefined ? 'learner' : roleOf(meta);
    return { ...this.#verdict(), role, leaderId: meta?.leaderNode };
  }

  /** Of a group that is started here. */
  groupState(group: number): GroupState | undefined {
    const groups = this.#deps.connections()?.groups;
    return groups?.groups().includes(group) === true ? groups.status(group) : undefined;
  }

  notAMember(): GrapeError {
    const { nodeId } = this.#deps;
    return new GrapeError(
      'NOT_A_MEMBER',
      this.#verdict().reason ?? `${nodeId} is not a member of a cluster yet`,
    );
  }

  #verdict(): Verdict {
    const standing = this.#deps.standing();
    if (standing.kind !== 'member') return { status: 'unavailable', reason: standing.reason };
    const map = this.#deps.map();
    if (map === undefined) return { status: 'unavailable', reason: this.#whyNoMap(standing) };
    const numbers = map.shards.map(({ shard }) => shard);
    return judge({
      shards: numbers.length,
      outOfReach: numbers.filter((shard) => !this.#reachesLeader(shard)),
      damaged: numbers.filter((shard) => this.groupState(shard)?.damage !== undefined),
      isMetaDamaged: this.groupState(META_GROUP)?.damage !== undefined,
      disk: this.#deps.disk(),
      memory: this.#deps.memory(),
      isDiskSlow: this.#deps.connections()?.groups.isDiskSlow === true,
    });
  }

  #whyNoMap({ admission }: Extract<Standing, { kind: 'member' }>): string {
    return admission === undefined
      ? 'waiting for a majority of the founders to make the map'
      : 'this store was admitted in place of another one and waits for the state of meta';
  }

  /** A leader is known and is this node or connected to it: strong reads and writes can be asked of it. */
  #reachesLeader(shard: number): boolean {
    const state = this.groupState(shard);
    if (state === undefined) return false;
    if (state.isLeader || state.leaderNode === undefined) return state.isLeader;
    return this.#deps.connections()?.peers.isConnected(state.leaderNode) === true;
  }

  #knownPicture(): ClusterPicture {
    const picture = this.#deps.picture();
    if (picture === undefined) throw this.notAMember();
    return picture;
  }
}

function roleOf({ isLeader, raft }: GroupState): NonNullable<Health['role']> {
  if (isLeader) return 'leader';
  return raft.confState.learners.includes(raft.id) ? 'learner' : 'follower';
}
