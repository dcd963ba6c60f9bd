import type { Clock } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import { META_GROUP } from '../raft/index.ts';
import type { DiskState } from '../storage/index.ts';
import {
  type ClusterPicture,
  isCaughtUp,
  isCaughtUpIn,
  nodeStateOf,
  type PlacedGroup,
} from './cluster-view.ts';
import { type LedGroup, planEvacuation } from './evacuation.ts';
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
  /** Room on the disk of this node. */
  readonly disk: () => DiskState;
  /** It takes long to sync. */
  readonly isDiskSlow: () => boolean;
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
    const { nodeId, clock, groups, logger, disk, isDiskSlow } = this.#deps;
    if (disk() !== 'ok' || isDiskSlow()) {
      this.#evacuate(picture);
      return;
    }
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

  /** Nobody without room is given anything, so nothing comes back. */
  #evacuate(picture: ClusterPicture): void {
    const { groups, logger, disk, isDiskSlow } = this.#deps;
    const { meta, shards } = picture.map;
    const placed = [
      { group: META_GROUP, ...meta },
      ...shards.map((shard) => ({ group: shard.shard, ...shard })),
    ];
    const local = new Set(groups.groups());
    const led = placed.flatMap((group) => (local.has(group.group) ? this.#toEvacuate(picture, group) : []));
    for (const { group, to } of planEvacuation(led)) {
      const why = { disk: disk(), isSlow: isDiskSlow() };
      logger.info('handing a group to a node with a better disk', { group, to, ...why });
      groups.transferLeader(group, to);
    }
  }

  #toEvacuate(picture: ClusterPicture, placed: PlacedGroup): LedGroup[] {
    const { nodeId: self, groups } = this.#deps;
    const { isLeader, raft } = groups.status(placed.group);
    if (!isLeader) return [];
    const candidates = placed.replicas
      .map(({ nodeId }) => nodeId)
      .filter(
        (nodeId) => nodeId !== self && mayLead(picture, nodeId) && isCaughtUpIn(picture, placed, nodeId),
      );
    return [{ group: placed.group, candidates, isTransferring: raft.transferee !== 0 }];
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
      const isHealthy = nodeStateOf(picture, member) === 'healthy' && mayLead(picture, member.nodeId);
      if (!isHealthy) this.#healthySinceMs.delete(member.nodeId);
      else if (!this.#healthySinceMs.has(member.nodeId)) this.#healthySinceMs.set(member.nodeId, nowMs);
    }
  }
}

/** Heard lately, not about to stop, and with a disk to lead on. */
function mayLead(picture: ClusterPicture, nodeId: string): boolean {
  const heard = picture.heard.get(nodeId);
  return (
    heard !== undefined && !heard.status.isStopping && heard.status.disk === 'ok' && !heard.status.isDiskSlow
  );
}
