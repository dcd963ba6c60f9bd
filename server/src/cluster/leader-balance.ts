/** Most hand-overs in flight from one node. */
const TRANSFERS_MAX = 2;
/** A shard whose leader has just changed is left alone, and so is a node that has just come back. */
const QUIET_MS = 30_000;

/** A shard that this node leads. */
export interface LedShard {
  readonly shard: number;
  readonly preferredLeader: string;
  /** How long this node leads it. */
  readonly ledForMs: number;
  /** The preferred leader is a voter without a gap. */
  readonly preferredCaughtUp: boolean;
  /** How long the preferred leader has been healthy without a break. */
  readonly preferredHealthyMs: number;
  readonly isTransferring: boolean;
}

export interface BalanceRequest {
  readonly self: string;
  /** The cluster has just formed: leaders go where they belong at once. */
  readonly justFormed: boolean;
  readonly led: readonly LedShard[];
}

/** Which of the shards led here go to their preferred leader now. */
export function planTransfers({ self, justFormed, led }: BalanceRequest): LedShard[] {
  const inFlight = led.filter(({ isTransferring }) => isTransferring).length;
  const quietMs = justFormed ? 0 : QUIET_MS;
  return led
    .filter((shard) => shard.preferredLeader !== self && shard.preferredCaughtUp && !shard.isTransferring)
    .filter((shard) => shard.ledForMs >= quietMs && shard.preferredHealthyMs >= quietMs)
    .slice(0, Math.max(0, TRANSFERS_MAX - inFlight));
}
