import type { Clock } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import { META_GROUP } from '../raft/index.ts';
import { type ClusterPicture, isCaughtUp, nodeStateOf } from './cluster-view.ts';
import { type LedShard, planTransfers } from './leader-balance.ts';
import { Periodic } from './periodic.ts';
import type { Groups } from './ports.ts';
import type { ShardPlacement } from './types.ts';

const PERIOD_MS = 1_000;
/** So long after forming, leaders go to their places without waiting for quiet. */
const SETTLING_MS = 30_000;

interface BalancerDeps {
  readonly nodeId: string;
  readonly groups: Groups;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly picture: () => ClusterPicture | undefined;
  readonly onFatal: (error: Error) => void;
}

/** Hands shards that this node leads over to their preferred leaders, a few at a time, when all is quiet. */
export class LeaderBalancer {
  readonly #deps: BalancerDeps;
  readonly #ledSinceMs = new Map<number, number>();
  readonly #healthySinceMs = new Map<string, number>();
  readonly #rounds: Periodic;
  #formedAtMs = -Infinity;

  constructor(deps: BalancerDeps) {
    this.#deps = deps;
    this.#rounds = new Periodic({
      clock: deps.clock,
      periodMs: PERIOD_MS,
      run: () => this.#round(),
      onError: deps.onFatal,
    });
  }

  start(): void {
    this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  clusterFormed(): void {
    this.#formedAtMs = this.#deps.clock.nowMs();
  }

  leaderChanged(group: number): void {
    this.#ledSinceMs.set(group, this.#deps.clock.nowMs());
  }

  #round(): void {
    const picture = this.#deps.picture();
    if (picture === undefined) return;
    this.#watchHealth(picture);
    const { nodeId, clock, groups, logger } = this.#deps;
    const justFormed = clock.nowMs() - this.#formedAtMs < SETTLING_MS;
    for (const { shard, preferredLeader } of planTransfers({
      self: nodeId,
      justFormed,
      led: this.#led(picture),
    })) {
      logger.info('handing a shard to its preferred leader', { shard, preferredLeader });
      groups.transferLeader(shard, preferredLeader);
    }
  }

  #led(picture: ClusterPicture): LedShard[] {
    const local = new Set(this.#deps.groups.groups());
    local.delete(META_GROUP);
    return picture.map.shards.flatMap((placement) => {
      return local.has(placement.shard) ? this.#ledShard(picture, placement) : [];
    });
  }

  #ledShard(picture: ClusterPicture, placement: ShardPlacement): LedShard[] {
    const { shard, preferredLeader } = placement;
    const { isLeader, raft } = this.#deps.groups.status(shard);
    if (!isLeader) return [];
    const nowMs = this.#deps.clock.nowMs();
    const healthySinceMs = this.#healthySinceMs.get(preferredLeader);
    const led: LedShard = {
      shard,
      preferredLeader,
      ledForMs: nowMs - (this.#ledSinceMs.get(shard) ?? nowMs),
      preferredCaughtUp: healthySinceMs !== undefined && isCaughtUp(picture, placement, preferredLeader),
      preferredHealthyMs: healthySinceMs === undefined ? 0 : nowMs - healthySinceMs,
      isTransferring: raft.transferee !== 0,
    };
    return [led];
  }

  #watchHealth(picture: ClusterPicture): void {
    const nowMs = this.#deps.clock.nowMs();
    for (const member of picture.map.members) {
      const isStopping = picture.heard.get(member.nodeId)?.status.isStopping === true;
      const isHealthy = nodeStateOf(picture, member) === 'healthy' && !isStopping;
      if (!isHealthy) this.#healthySinceMs.delete(member.nodeId);
      else if (!this.#healthySinceMs.has(member.nodeId)) this.#healthySinceMs.set(member.nodeId, nowMs);
    }
  }
}
