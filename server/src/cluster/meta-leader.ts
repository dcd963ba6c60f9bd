import { type Clock, GrapeError, NotLeaderError } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import { META_GROUP } from '../raft/index.ts';
import type { ClusterPicture } from './cluster-view.ts';
import { encodeMetaCommand, type MetaCommand } from './meta-command.ts';
import { proposalsOfMetaLeader } from './meta-duties.ts';
import type { MetaResult } from './meta-state.ts';
import type { Groups } from './ports.ts';
import type { FormationRecord } from './record.ts';
import { planRepairs } from './repair-plan.ts';
import type { Repairer } from './repairer.ts';
import type { HeardStatus } from './status-exchange.ts';
import type { ClusterMap } from './types.ts';

/** Longest wait for a change of the map; the leader of `meta` tries again in its next period. */
const PROPOSAL_MS_MAX = 5_000;

interface MetaLeaderDeps {
  readonly groups: Groups;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly repairer: Repairer;
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal;
}

export interface MetaView {
  readonly record: FormationRecord;
  readonly map: ClusterMap | undefined;
  readonly heard: ReadonlyMap<string, HeardStatus>;
  /** Undefined while there is no map. */
  readonly picture: ClusterPicture | undefined;
}

/** Changes of the cluster map, and what the leader of `meta` owes the cluster. */
export class MetaLeader {
  readonly #deps: MetaLeaderDeps;

  constructor(deps: MetaLeaderDeps) {
    this.#deps = deps;
  }

  get isLeader(): boolean {
    const { groups } = this.#deps;
    return groups.groups().includes(META_GROUP) && groups.status(META_GROUP).isLeader;
  }

  /**
   * Resolves when the command is applied here. Throws `NotLeaderError`, or WRITE_TIMEOUT when the outcome stays open:
   * without a quorum a proposal waits for ever.
   */
  async propose(command: MetaCommand): Promise<MetaResult> {
    const { groups, clock, stopping } = this.#deps;
    const { promise } = groups.propose(META_GROUP, encodeMetaCommand(command));
    const timeout = Promise.withResolvers<never>();
    const giveUp = (): void => timeout.reject(new GrapeError('WRITE_TIMEOUT', 'meta has no quorum now'));
    const timer = clock.after(PROPOSAL_MS_MAX, giveUp);
    stopping.addEventListener('abort', giveUp);
    try {
      const { result } = await Promise.race([promise, timeout.promise]);
      return result as MetaResult;
    } finally {
      timer.cancel();
      stopping.removeEventListener('abort', giveUp);
    }
  }

  /** One round; a failed attempt is repeated in the next one by whoever leads then. */
  async lead({ record, map, heard, picture }: MetaView): Promise<void> {
    const plan = picture === undefined ? undefined : planRepairs(picture);
    if (plan !== undefined) await this.#deps.repairer.carryOut(plan.changes);
    for (const command of [...proposalsOfMetaLeader({ record, map, heard }), ...(plan?.commands ?? [])]) {
      await this.#try(command);
    }
  }

  async #try(command: MetaCommand): Promise<void> {
    const { logger } = this.#deps;
    const failed = (reason: string): void =>
      logger.info('a change of the cluster map was not committed', { command: command.kind, reason });
    try {
      const result = await this.propose(command);
      if (result.kind === 'refused') failed(result.message);
    } catch (error) {
      if (!(error instanceof GrapeError || error instanceof NotLeaderError)) throw error;
      failed(error.message);
    }
  }
}
