import { randomUUID } from 'node:crypto';
import { asError, type Clock } from '../base/index.ts';
import type { Logger } from '../observability/index.ts';
import type { DataDirectory } from '../storage/index.ts';
import { parseAddress } from './addresses.ts';
import { type Admission, ADMISSION_FILE, encodeAdmission } from './admission.ts';
import { decideFounding } from './founding.ts';
import {
  listsFounders,
  mayBeFounded,
  memberOf,
  objectionTo,
  peersToAsk,
  standingForOthers,
} from './formation-rules.ts';
import {
  decodeDescription,
  decodeRecordAnswer,
  encodeDescription,
  encodeRecordAnswer,
  type NodeDescription,
  type RecordAnswer,
  RPC,
} from './formation-messages.ts';
import { PERMITTED_FILE } from './give-up.ts';
import type { KnownMap } from './known-map.ts';
import { Periodic } from './periodic.ts';
import { askForPermission } from './permissions.ts';
import type { HostPort, Peers } from './ports.ts';
import { decodeRecord, encodeRecord, founderOf, type FormationRecord, RECORD_FILE } from './record.ts';
import { askToRejoin } from './rejoin.ts';
import { differencesFromCluster, explicitSettings } from './settings.ts';
import { nextOf, openStanding, type Standing } from './standing.ts';
import { type ClusterMap, type ClusterOptions, type PeerAddress, StartRefusedError } from './types.ts';

/** How often a founder asks and sends again. */
const ROUND_MS = 500;
const REQUEST_TIMEOUT_MS = 2_000;

export interface FormationDeps {
  readonly options: ClusterOptions;
  readonly directory: DataDirectory;
  /** Entries or points are on this disk. */
  readonly holdsData: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The newest map that this node has seen. */
  readonly known: KnownMap;
  /** The store is not to be trusted, and may go: the node must start again without it. */
  readonly onForgotten: (reason: string) => void;
  /** The node must end: its configuration contradicts the cluster's, or its disk failed. */
  readonly onFatal: (error: Error) => void;
}

/**
 * Brings a node from a blank disk to membership, once. A founder whose file lists the others asks them all; the
 * smallest of these makes the record, stores it, and sends it; everyone stores it before voting. Whoever holds the
 * record sends it to founders that have not shown that they hold it, so any crash is repaired by restarting.
 */
export class Formation {
  readonly #deps: FormationDeps;
  readonly #listeners: ((record: FormationRecord, how: 'founded' | 'admitted') => void)[] = [];
  readonly #unconfirmed = new Map<string, string>();
  readonly #rounds: Periodic;
  #standing: Standing;
  #peers: Peers | undefined;
  #lastRefusal: string | undefined;
  #hasGivenUp = false;
  /** Records are considered one at a time: two senders may offer different ones at once. */
  #considering: Promise<unknown> = Promise.resolve();

  private constructor(deps: FormationDeps, standing: Standing) {
    this.#deps = deps;
    this.#standing = standing;
    this.#rounds = new Periodic({
      clock: deps.clock,
      periodMs: ROUND_MS,
      run: () => this.#round(),
      onError: deps.onFatal,
    });
    if (standing.kind !== 'member') return;
    if (standing.admission === undefined) this.#expectConfirmations(standing.record);
    else deps.known.learn(standing.admission.map);
  }

  /** Reads what the directory says. Throws `StartRefusedError` when it belongs to another node or cluster. */
  static async open(deps: FormationDeps): Promise<Formation> {
    return new Formation(deps, await openStanding(deps));
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Called once, when a node that was outside has stored the record, or its admission. */
  onMember(listener: (record: FormationRecord, how: 'founded' | 'admitted') => void): void {
    this.#listeners.push(listener);
  }

  start(peers: Peers): void {
    this.#peers = peers;
    peers.handle(RPC.describe, () => Promise.resolve(encodeDescription(this.describe())));
    peers.handle(RPC.record, async (from, body) =>
      encodeRecordAnswer(await this.#consider(decodeRecord(body), from.nodeId)),
    );
    this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  describe(): NodeDescription {
    const { options, directory } = this.#deps;
    const standing = this.#standing;
    return {
      member: memberOf(options, directory.identity.storeUuid),
      standing: mayBeFounded(standing, options) ? 'blank' : standingForOthers(standing),
      reason: standing.kind === 'member' ? `it is a member of ${standing.record.clusterId}` : standing.reason,
      founders: listsFounders(options) ? options.initialPeers.map(({ nodeId }) => nodeId) : undefined,
      seeds: [...options.seedNodes, ...options.initialPeers].map(({ nodeId }) => nodeId),
      explicit: explicitSettings(options.settings, options.explicit),
      record: standing.kind === 'member' ? standing.record : undefined,
      map: standing.kind === 'member' ? this.#deps.known.map : undefined,
    };
  }

  async #round(): Promise<void> {
    if (this.#standing.kind === 'blank') await this.#askOthers();
    if (this.#standing.kind === 'wiped') await this.#rejoin(this.#standing);
    if (this.#standing.kind === 'amnesiac') await this.#giveUp(this.#standing);
    if (this.#standing.kind === 'member') await this.#sendRecord(this.#standing.record);
  }

  /** Takes the record from whoever holds it, else forms the cluster when it is this node's turn. */
  async #askOthers(): Promise<void> {
    const { options } = this.#deps;
    const others = new Map<string, NodeDescription | undefined>();
    await Promise.all(
      peersToAsk(options).map(async (peer) => {
        others.set(peer.nodeId, await this.#ask(peer));
      }),
    );
    for (const other of others.values()) {
      if (other?.record !== undefined) await this.#consider(other.record, other.member.nodeId);
      if (other?.map !== undefined) this.#considerMap(other.map);
    }
    if (!mayBeFounded(this.#standing, options) || !listsFounders(options)) return;
    const decision = decideFounding({ self: this.describe(), settings: options.settings, others });
    switch (decision.kind) {
      case 'wait':
        this.#say('info', decision.reason);
        return;
      case 'blocked':
        this.#say('error', decision.reason);
        return;
      case 'refused':
        throw new StartRefusedError(decision.reason);
      case 'found':
        await this.#found({ clusterId: randomUUID(), ...decision.record });
    }
  }

  /** Stored here first, then at the others, then this node goes on: its first votes find them ready. */
  async #found(record: FormationRecord): Promise<void> {
    await this.#store(record);
    await this.#sendRecord(record);
    this.#announce(record, 'founded');
  }

  async #ask(peer: PeerAddress): Promise<NodeDescription | undefined> {
    const answer = await this.#request(peer, RPC.describe, Buffer.alloc(0));
    return this.#decoded(peer.nodeId, answer, decodeDescription);
  }

  async #request(address: HostPort, kind: number, body: Buffer): Promise<Buffer | undefined> {
    try {
      return (await this.#peers?.requestAddress(address, kind, body, REQUEST_TIMEOUT_MS))?.body;
    } catch (error) {
      // Nobody there yet, or refused (the transport has logged why): asked again in the next round.
      const { host, port } = address;
      this.#deps.logger.debug('a founder did not answer', { host, port, reason: asError(error).message });
      return undefined;
    }
  }

  /** Undefined, with a line in the log, when the answer is of another version or damaged. */
  #decoded<T>(from: string, bytes: Buffer | undefined, decode: (bytes: Buffer) => T): T | undefined {
    try {
      return bytes === undefined ? undefined : decode(bytes);
    } catch (error) {
      this.#deps.logger.warn('a founder answers what this build cannot read', {
        from,
        reason: asError(error).message,
      });
      return undefined;
    }
  }

  /** Judges a record that another node holds, and becomes a member when it is this node's. */
  #consider(record: FormationRecord, from: string): Promise<RecordAnswer> {
    const verdict = this.#considering.then(() => this.#considerAlone(record, from));
    this.#considering = verdict.catch(() => undefined);
    return verdict;
  }

  async #considerAlone(record: FormationRecord, from: string): Promise<RecordAnswer> {
    const refused = (reason: string): RecordAnswer => {
      // Once per text: it is sent again and again.
      if (this.#lastRefusal !== reason) {
        const { clusterId } = record;
        this.#deps.logger.error('a formation record is refused', { from, clusterId, reason });
      }
      this.#lastRefusal = reason;
      return { verdict: 'refused', reason };
    };
    const { options, directory } = this.#deps;
    const standing = this.#standing;
    if (standing.kind === 'member') {
      if (standing.record.clusterId === record.clusterId) return { verdict: 'accepted', reason: '' };
      return refused(`this node holds the record of another cluster, ${standing.record.clusterId}`);
    }
    if (standing.kind === 'stopped' || standing.kind === 'amnesiac') return refused(standing.reason);
    const self = founderOf(record, options.nodeId);
    if (self === undefined) return { verdict: 'refused', reason: 'the record does not name this node' };
    if (self.storeUuid !== directory.identity.storeUuid) {
      const contacts = record.founders.map(({ raftAddress }) => parseAddress(raftAddress));
      return this.#foundWiped({ clusterId: record.clusterId, knownStore: self.storeUuid, contacts });
    }
    const objection = objectionTo(record, options);
    if (objection !== undefined) return refused(objection);
    const differences = differencesFromCluster(
      explicitSettings(options.settings, options.explicit),
      record.settings,
    );
    if (differences.length > 0) {
      this.#deps.onFatal(new StartRefusedError(differences.join('; ')));
      return refused(differences.join('; '));
    }
    await this.#store(record);
    this.#announce(record, 'founded');
    return { verdict: 'accepted', reason: '' };
  }

  /** The store is blank, the cluster knows this node under another one: its former disk is gone. */
  #foundWiped(o: {
    readonly clusterId: string;
    readonly knownStore: string;
    readonly contacts: readonly HostPort[];
  }): RecordAnswer {
    const { options, directory } = this.#deps;
    const reason =
      `${options.nodeId} is a member of cluster ${o.clusterId} under another store (${o.knownStore}); ` +
      `this disk was wiped or replaced (${directory.identity.storeUuid}) and neither votes nor serves`;
    if (this.#standing.kind !== 'wiped') {
      this.#deps.logger.error(reason);
      const contacts = o.contacts;
      this.#standing = { kind: 'wiped', reason: `${reason}; ${nextOf(options.autoRejoin)}`, contacts };
    }
    return { verdict: 'wiped', reason };
  }

  /** A map may name this node when no record does, or under a store that came after the founder's. */
  #considerMap(map: ClusterMap): void {
    const { options, known } = this.#deps;
    if (this.#standing.kind !== 'blank') return;
    if (options.clusterId !== undefined && options.clusterId !== map.clusterId) return;
    const self = map.members.find(({ nodeId }) => nodeId === options.nodeId);
    if (self === undefined) return;
    known.learn(map);
    const contacts = map.members.map(({ raftAddress }) => parseAddress(raftAddress));
    this.#foundWiped({ clusterId: map.clusterId, knownStore: self.storeUuid, contacts });
  }

  async #rejoin(standing: Extract<Standing, { kind: 'wiped' }>): Promise<void> {
    const { options, directory, logger } = this.#deps;
    if (this.#peers === undefined) return;
    const self = memberOf(options, directory.identity.storeUuid);
    const contacts = this.#othersOf(standing.contacts);
    if (!options.autoRejoin && !(await this.#isPermitted(contacts))) return;
    const answer = await askToRejoin({ peers: this.#peers, logger }, { self, contacts });
    if ('reason' in answer) {
      this.#noteRejoin(standing, answer.reason);
      return;
    }
    const { admission } = answer;
    const { settings } = admission.map;
    const differences = differencesFromCluster(
      explicitSettings(options.settings, options.explicit),
      settings,
    );
    if (differences.length > 0) throw new StartRefusedError(differences.join('; '));
    await this.#storeAdmission(admission);
  }

  /** A store that has forgotten what it promised may go when an operator says so; the node starts again without it. */
  async #giveUp({ record }: Extract<Standing, { kind: 'amnesiac' }>): Promise<void> {
    const { directory, onForgotten } = this.#deps;
    const contacts = this.#othersOf(record.founders.map(({ raftAddress }) => parseAddress(raftAddress)));
    if (this.#hasGivenUp || !(await this.#isPermitted(contacts))) return;
    this.#hasGivenUp = true;
    await directory.writeFile(PERMITTED_FILE, Buffer.alloc(0));
    onForgotten('an operator lets the node come back with a new store');
  }

  #isPermitted(contacts: readonly HostPort[]): Promise<boolean> {
    const { options, logger } = this.#deps;
    if (this.#peers === undefined) return Promise.resolve(false);
    return askForPermission(this.#peers, { nodeId: options.nodeId, contacts, logger });
  }

  #othersOf(contacts: readonly HostPort[]): HostPort[] {
    const { options, directory } = this.#deps;
    const own = memberOf(options, directory.identity.storeUuid).raftAddress;
    return [...contacts, ...peersToAsk(options)].filter(({ host, port }) => `${host}:${port}` !== own);
  }

  /** Once per text: rounds repeat. */
  #noteRejoin(standing: Extract<Standing, { kind: 'wiped' }>, why: string): void {
    const [known = ''] = standing.reason.split('; asks');
    const reason = `${known}; asks to be admitted with it: ${why}`;
    if (reason === standing.reason) return;
    this.#standing = { ...standing, reason };
    this.#deps.logger.info('asking to be admitted again', { reason: why });
  }

  async #storeAdmission(admission: Admission): Promise<void> {
    const { directory, options, logger, known } = this.#deps;
    const { record, map } = admission;
    await directory.writeFile(ADMISSION_FILE, encodeAdmission(admission));
    await directory.adopt({ clusterId: record.clusterId, nodeId: options.nodeId });
    this.#standing = { kind: 'member', record, admission };
    known.learn(map);
    logger.info('the cluster has admitted this store', { clusterId: record.clusterId, version: map.version });
    this.#announce(record, 'admitted');
  }

  /** The record is durable before the node calls itself a member: only then may it vote. */
  async #store(record: FormationRecord): Promise<void> {
    const { directory, options, logger } = this.#deps;
    try {
      await directory.writeFile(RECORD_FILE, encodeRecord(record));
      await directory.adopt({ clusterId: record.clusterId, nodeId: options.nodeId });
    } catch (error) {
      this.#deps.onFatal(asError(error));
      throw error;
    }
    this.#standing = { kind: 'member', record };
    this.#expectConfirmations(record);
    logger.info('the cluster is formed', {
      clusterId: record.clusterId,
      founders: record.founders.map(({ nodeId }) => nodeId),
    });
  }

  #announce(record: FormationRecord, how: 'founded' | 'admitted'): void {
    for (const listener of this.#listeners) listener(record, how);
  }

  #expectConfirmations(record: FormationRecord): void {
    for (const { nodeId } of record.founders) {
      if (nodeId !== this.#deps.options.nodeId) this.#unconfirmed.set(nodeId, '');
    }
  }

  async #sendRecord(record: FormationRecord): Promise<void> {
    const body = encodeRecord(record);
    await Promise.all(
      record.founders.map(async ({ nodeId, raftAddress }) => {
        if (this.#peers?.isConnected(nodeId) === true) this.#unconfirmed.delete(nodeId);
        if (!this.#unconfirmed.has(nodeId)) return;
        const answer = await this.#request(parseAddress(raftAddress), RPC.record, body);
        const verdict = this.#decoded(nodeId, answer, decodeRecordAnswer);
        if (verdict !== undefined) this.#note(nodeId, verdict);
      }),
    );
  }

  #note(nodeId: string, answer: RecordAnswer): void {
    if (answer.verdict === 'accepted') {
      this.#unconfirmed.delete(nodeId);
    } else if (this.#unconfirmed.get(nodeId) !== answer.reason) {
      this.#unconfirmed.set(nodeId, answer.reason);
      this.#deps.logger.warn('a founder does not take the formation record', { founder: nodeId, ...answer });
    }
  }

  /** Once per text: rounds repeat. */
  #say(level: 'info' | 'error', reason: string): void {
    if (this.#standing.kind !== 'blank' || this.#standing.reason === reason) return;
    this.#standing = { kind: 'blank', reason };
    this.#deps.logger[level]('forming the cluster', { reason });
  }
}
