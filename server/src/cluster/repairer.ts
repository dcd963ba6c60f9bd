import { asError } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import { RPC } from './formation-messages.ts';
import { decodeGroupStep, encodeGroupStep } from './membership-message.ts';
import type { Groups, Hello, Peers } from './ports.ts';
import type { GroupChange } from './repair-plan.ts';

const REQUEST_MS_MAX = 2_000;
const NOTHING = Buffer.alloc(0);

interface RepairerDeps {
  readonly nodeId: string;
  readonly groups: Groups;
  readonly peers: Peers;
  readonly logger: Logger;
  readonly isMember: (from: Hello) => boolean;
}

/** Asks the leaders of groups for the steps that the leader of `meta` has planned, and takes such steps here. */
export class Repairer {
  readonly #deps: RepairerDeps;

  constructor(deps: RepairerDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { peers, groups, isMember } = this.#deps;
    peers.handle(RPC.changeGroup, (from, body) => {
      const { group, change } = decodeGroupStep(body);
      if (!isMember(from)) throw new Error(`${from.nodeId} is not a member`);
      groups.changeMembership(group, change);
      return Promise.resolve(NOTHING);
    });
  }

  /** Settles when every leader has answered; a step that was not taken is planned again from what is so then. */
  async carryOut(changes: readonly GroupChange[]): Promise<void> {
    await Promise.all(changes.map((step) => this.#carryOut(step)));
  }

  async #carryOut({ group, leader, change }: GroupChange): Promise<void> {
    const { nodeId, groups, peers, logger } = this.#deps;
    const fields = { group, leader, steps: change.steps.map(({ type, replica }) => `${type} ${replica}`) };
    try {
      if (leader === nodeId) groups.changeMembership(group, change);
      else await peers.request(leader, RPC.changeGroup, encodeGroupStep({ group, change }), REQUEST_MS_MAX);
      logger.info('a group changes its members', fields);
    } catch (error) {
      logger.debug('a change of a group was not taken', { ...fields, reason: asError(error).message });
    }
  }
}
