import { asError } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import {
  type Admission,
  decodeReadmission,
  encodeReadmissionAnswer,
  type ReadmissionAnswer,
} from './admission.ts';
import { type ClusterPicture, silenceMs } from './cluster-view.ts';
import { RPC } from './formation-messages.ts';
import type { MetaLeader } from './meta-leader.ts';
import type { Peers } from './ports.ts';
import type { FormationRecord } from './record.ts';
import type { Member } from './types.ts';

/** The member that is to be replaced has been silent for so long: it is not the one that asks beside it. */
const SILENCE_MS = 2_000;

interface ReadmissionsDeps {
  readonly nodeId: string;
  readonly peers: Peers;
  readonly leader: MetaLeader;
  readonly logger: Logger;
  /** Undefined while this node is no member, or has no map. */
  readonly standing: () => { readonly record: FormationRecord; readonly picture: ClusterPicture } | undefined;
  /** Raft address of the leader of `meta`, when it is known. */
  readonly leaderAddress: () => string | undefined;
  readonly onAdmitted: (nodeId: string) => void;
}

/**
 * Lets a node whose store is gone be the member again with a new store: `meta` puts other replicas in the place of all
 * that it had. What the old store has voted for and acknowledged stays with replicas that nobody starts again.
 */
export class Readmissions {
  readonly #deps: ReadmissionsDeps;

  constructor(deps: ReadmissionsDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#deps.peers.handle(RPC.readmit, async (from, body) => {
      const member = decodeReadmission(body);
      if (member.nodeId !== from.nodeId) throw new Error(`${from.nodeId} asks for ${member.nodeId}`);
      return encodeReadmissionAnswer(await this.#answer(member));
    });
  }

  async #answer(member: Member): Promise<ReadmissionAnswer> {
    const { standing, leader, leaderAddress, nodeId } = this.#deps;
    const here = standing();
    if (here === undefined) return refused(`${nodeId} is not a member with a map itself`);
    const { record, picture } = here;
    const known = picture.map.members.find((other) => other.nodeId === member.nodeId);
    if (known === undefined) return refused(`${member.nodeId} is not a member: POST /cluster/join names it`);
    if (known.storeUuid === member.storeUuid) return admitted({ record, map: picture.map });
    if (!leader.isLeader) {
      const address = leaderAddress();
      return address === undefined ? refused('no leader of meta is known') : elsewhere(address);
    }
    if (silenceMs(picture, member.nodeId) < SILENCE_MS)
      return refused(`${member.nodeId} is here under store ${known.storeUuid}`);
    return this.#admit(member, known);
  }

  async #admit(member: Member, known: Member): Promise<ReadmissionAnswer> {
    const { leader, logger, standing, onAdmitted } = this.#deps;
    const { nodeId, storeUuid } = member;
    try {
      const result = await leader.propose({ kind: 'readmitMember', former: known.storeUuid, member });
      if (result.kind === 'refused') return refused(result.message);
    } catch (error) {
      return refused(asError(error).message);
    }
    onAdmitted(nodeId);
    logger.warn('a member comes with a new store: other replicas take the place of those it has lost', {
      nodeId,
      storeUuid,
      former: known.storeUuid,
    });
    const here = standing();
    if (here === undefined) return refused('the map is gone');
    return admitted({ record: here.record, map: here.picture.map });
  }
}

function admitted(admission: Admission): ReadmissionAnswer {
  return { verdict: 'admitted', reason: '', address: '', admission };
}

function elsewhere(address: string): ReadmissionAnswer {
  return { verdict: 'elsewhere', reason: 'the leader of meta decides', address, admission: undefined };
}

function refused(reason: string): ReadmissionAnswer {
  return { verdict: 'refused', reason, address: '', admission: undefined };
}
