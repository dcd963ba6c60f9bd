import { asError } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import { parseAddress } from './addresses.ts';
import {
  type Admission,
  admittedAs,
  decodeReadmissionAnswer,
  encodeReadmission,
  type ReadmissionAnswer,
} from './admission.ts';
import { RPC } from './formation-messages.ts';
import type { HostPort, Peers } from './ports.ts';
import type { Member } from './types.ts';

const REQUEST_MS_MAX = 10_000;

interface RejoinDeps {
  readonly peers: Peers;
  readonly logger: Logger;
}

/**
 * Asks the members, one after another, to take `self` with its new store in place of the one before. Answers the
 * admission, or why nobody has given one; it is asked again.
 */
export async function askToRejoin(
  { peers, logger }: RejoinDeps,
  o: { readonly self: Member; readonly contacts: readonly HostPort[] },
): Promise<{ readonly admission: Admission } | { readonly reason: string }> {
  let reason = 'no member answers';
  const queue = [...o.contacts];
  // A leader that is named may be asked beside the contacts, but not for ever.
  for (let asked = 0; asked < o.contacts.length * 2; asked += 1) {
    const address = queue.shift();
    if (address === undefined) break;
    const answer = await ask(peers, address, o.self).catch((error: unknown) => {
      const { host, port } = address;
      logger.debug('a member did not answer', { host, port, reason: asError(error).message });
      return undefined;
    });
    if (answer === undefined) continue;
    if (answer.admission !== undefined && isFor(answer.admission, o.self))
      return { admission: answer.admission };
    if (answer.verdict === 'elsewhere') queue.unshift(parseAddress(answer.address));
    ({ reason } = answer);
  }
  return { reason };
}

async function ask(peers: Peers, address: HostPort, self: Member): Promise<ReadmissionAnswer> {
  const { body } = await peers.requestAddress(address, RPC.readmit, encodeReadmission(self), REQUEST_MS_MAX);
  return decodeReadmissionAnswer(body);
}

function isFor({ map }: Admission, { nodeId, storeUuid }: Member): boolean {
  return admittedAs(map, nodeId, storeUuid) !== undefined;
}
