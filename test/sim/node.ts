import { type Random, seededRandom } from '../../server/src/base/index.ts';
import { LocalReplicas } from '../../server/src/cluster/local-replicas.ts';
import type { NodeStatus } from '../../server/src/cluster/node-status.ts';
import type { ClusterMap, ClusterOptions } from '../../server/src/cluster/types.ts';
import { silentLogger } from '../../server/src/observability/index.ts';
import { lostAgainst, RaftHost, type RaftMetrics, storedSequence } from '../../server/src/raft/index.ts';
import { decodeEntry } from '../../server/src/raft/log/entry-record.ts';
import { entryKey, parseKey } from '../../server/src/raft/log/keys.ts';
import { EMPTY_FLOOR, type Floor, MemoryKv, WriteBatch } from '../../server/src/storage/index.ts';
import { type DiskMood, SimDisk } from './disk.ts';
import type { Events } from './events.ts';
import { emptyMachineDisk, type MachineDisk, SimMachine } from './machine.ts';
import { NodeClock, TICK_MS } from './node-clock.ts';
import type { SimNetwork } from './network.ts';
import { crcOf, type Oracle } from './oracle.ts';

/** Entries of a new leader that are compared with what was committed. */
const LOOKED_AT_MAX = 64;

export interface NodeDeps {
  readonly events: Events;
  readonly random: Random;
  readonly network: SimNetwork;
  readonly oracle: Oracle;
  readonly map: () => ClusterMap;
  /** A check failed in a callback, where it cannot be thrown. */
  readonly onViolation: (error: unknown) => void;
  readonly onSnapshot: () => void;
  readonly onLeasedReads: (count: number) => void;
  readonly onLeads: (node: SimNode) => void;
  readonly tuning: {
    readonly threshold: number;
    readonly tailBytesMax: number;
    readonly appendEntriesMax: number;
    readonly electionTicks: number;
    readonly slowApplyMs: number;
    readonly leaseReads: boolean;
  };
}

/** A process. */
interface Running {
  /** Calls back when the process ends, unless the answer is called before. */
  readonly onEnd: (listener: () => void) => () => void;
  readonly end: () => void;
  readonly host: RaftHost;
  readonly disk: SimDisk;
  readonly machine: SimMachine;
  readonly replicas: LocalReplicas;
  readonly leave: () => void;
  /** Version of the map that it follows. */
  version: number;
}

/** The Raft log of a node as it was. */
export interface LogCopy {
  readonly log: MemoryKv;
  /** Of its newest write. */
  readonly sequence: number;
}

/** A machine with a disk that outlives its processes. */
export class SimNode {
  readonly id: string;
  readonly mood: DiskMood = { slowMs: 2, failing: 0, isFull: false };
  clock: NodeClock;
  /** Virtual milliseconds for one of its clock: clocks run at slightly different rates. */
  readonly rate: number;
  /** The process has died by itself, of its disk. */
  hasFailed = false;
  /** What the disk held is gone, or not to be trusted: the node must be admitted with a new one. */
  hasForgotten = false;
  starts = 0;
  readonly #deps: NodeDeps;
  #kv = new MemoryKv('log');
  #floor: Floor = EMPTY_FLOOR;
  #data: MachineDisk = emptyMachineDisk();
  #running: Running | undefined;

  constructor(id: string, deps: NodeDeps) {
    this.id = id;
    this.#deps = deps;
    this.rate = 0.95 + deps.random.next() * 0.1;
    this.clock = new NodeClock(deps.events, this.rate);
  }

  get running(): Running | undefined {
    return this.#running;
  }

  /** Opens the disk; a log below its floor is given up, as a node does that may rejoin. */
  async start(): Promise<void> {
    this.starts += 1;
    this.hasFailed = false;
    if (this.#floor !== EMPTY_FLOOR && (await lostAgainst(this.#floor, this.#kv)) !== undefined) this.wipe();
    if (this.hasForgotten) return;
    await this.#open();
  }

  async #open(): Promise<void> {
    const { events, random, network, tuning, onViolation, onSnapshot, onLeasedReads } = this.#deps;
    this.clock = new NodeClock(events, this.rate);
    const disk = new SimDisk(this.#kv, {
      floor: this.#floor,
      events,
      random,
      mood: this.mood,
      onRow: (key, value) => this.#checked(() => this.#checkRow(key, value)),
    });
    const machine = new SimMachine(this.#data, {
      onApplied: (entry) => this.#checked(() => this.#deps.oracle.applied(entry)),
      onRestored: (group, { index, hash }) =>
        this.#checked(() => this.#deps.oracle.restored(group, index, hash)),
      turn: () => this.#turnOf(disk, tuning.slowApplyMs),
    });
    const { link, leave } = network.join(this.id);
    const host = await RaftHost.open({
      kv: disk,
      transport: link,
      clock: this.clock,
      random: seededRandom(random.int(2 ** 31)),
      logger: silentLogger,
      applier: machine,
      floor: disk.floor,
      metrics: metricsOf(onSnapshot, onLeasedReads),
      onFatal: (error) => {
        if (disk.failures === 0 && !disk.isDead) onViolation(error);
        this.hasFailed = true;
      },
      options: {
        electionTimeoutMs: tuning.electionTicks * TICK_MS,
        heartbeatIntervalMs: 5 * TICK_MS,
        maxAppendEntries: tuning.appendEntriesMax,
        leaseReads: tuning.leaseReads,
        tailBytesMax: tuning.tailBytesMax,
        logCompactionThreshold: () => tuning.threshold,
      },
    });
    const meta = { applied: 0, reset: (): Promise<number> => Promise.resolve(1) };
    const replicas = new LocalReplicas({
      nodeId: this.id,
      groups: host,
      shards: machine,
      logger: silentLogger,
      meta,
    });
    host.onLeaderChange((group, _leader, isLeader) => {
      if (!isLeader) return;
      this.#checked(() => this.#checkLeader(host, disk, group));
      this.#deps.onLeads(this);
    });
    const endings = new Set<() => void>();
    this.#running = {
      host,
      disk,
      machine,
      replicas,
      leave,
      version: 0,
      onEnd: (listener) => {
        endings.add(listener);
        return () => endings.delete(listener);
      },
      end: () => {
        for (const listener of [...endings]) listener();
      },
    };
    this.follow();
  }

  /** Starts and replaces replicas as the newest map says. */
  follow(): void {
    const running = this.#running;
    const map = this.#deps.map();
    if (running === undefined || running.version === map.version) return;
    const isNew = map.version === 1 && this.starts === 1;
    running.version = map.version;
    running.replicas.follow(map, isNew).catch((error: unknown) => {
      // A disk that fails in the middle ends the process.
      if (running.disk.failures === 0 && !running.disk.isDead) this.#deps.onViolation(error);
      this.hasFailed = true;
    });
  }

  /** The process ends at once; what it had not synced may be lost. */
  crash(): void {
    const running = this.#running;
    if (running === undefined) return;
    running.end();
    running.leave();
    this.#floor = running.disk.floor.durable;
    this.#kv = running.disk.crash();
    this.#running = undefined;
    void running.host.stop().catch(() => undefined);
  }

  /** The disk is another one, with nothing on it. */
  wipe(): void {
    this.#kv = new MemoryKv('log');
    this.#floor = EMPTY_FLOOR;
    this.#data = emptyMachineDisk();
    this.hasForgotten = true;
  }

  /** The Raft log is as it was when `copyLog` was called, the floor is not. */
  async loseTail(former: MemoryKv): Promise<void> {
    const state = await contentOf(former);
    this.#kv = state;
  }

  async copyLog(): Promise<LogCopy> {
    const log = await contentOf(this.#kv);
    return { log, sequence: await storedSequence(log) };
  }

  isBelowFloor({ sequence }: LogCopy): boolean {
    return sequence < this.#floor.sequence;
  }

  /** Changes a bit of any row of the log, or takes an entry away; false when there is none. */
  async corrupt(): Promise<boolean> {
    const { random } = this.#deps;
    const rows = await rowsOf(this.#kv);
    const takesAway = random.next() < 0.3;
    const candidates = takesAway ? rows.filter((_row, at) => isInside(rows, at)) : rows;
    const row = candidates[random.int(Math.max(1, candidates.length))];
    if (row === undefined) return false;
    const left = rows.filter((other) => other !== row);
    if (!takesAway) {
      const value = Buffer.from(row.value);
      value[random.int(value.length)]! ^= 1 << random.int(8);
      left.push({ key: row.key, value });
    }
    this.#kv = await kvOf(left);
    return true;
  }

  /** Time passes for the process. */
  advance(ms: number): void {
    this.clock.advance(ms);
  }

  status(): NodeStatus | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    return running.replicas.status(OPTIONS(this.id), {
      isStopping: false,
      disk: 'ok',
      isDiskSlow: false,
      mapVersion: running.version,
    });
  }

  #checkLeader(host: RaftHost, disk: SimDisk, group: number): void {
    const { raft } = host.status(group);
    const { oracle } = this.#deps;
    oracle.leads(group, raft.term, raft.id);
    const entries = oracle.mustHave(group, raft.term, LOOKED_AT_MAX);
    void disk.multiGet(entries.map(({ index }) => entryKey(group, index))).then(
      (values) => this.#checked(() => checkHolds({ group, raft, entries, values })),
      () => undefined,
    );
  }

  #checkRow(key: Buffer, value: Buffer): void {
    const at = parseKey(key);
    if (at.kind !== 'entry') return;
    const decoded = decodeEntry(key, value);
    if (decoded.kind === 'bad') throw new Error(`group ${at.group}: ${decoded.reason}`);
    this.#deps.oracle.logged(at.group, decoded.entry, {
      crc: crcOf(decoded.entry),
      previousTerm: undefined,
    });
  }

  /** What the replicas of the process show now must follow from what they have shown. */
  checkShown(): void {
    const host = this.#running?.host;
    for (const group of host?.groups() ?? []) {
      const { raft, damage } = (host as RaftHost).status(group);
      if (damage !== undefined) continue;
      this.#deps.oracle.shows(group, raft.id, { process: `${this.id}/${this.starts}`, status: raft });
    }
  }

  #checked(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#deps.onViolation(error);
    }
  }

  #turnOf(disk: SimDisk, slowMs: number): Promise<void> {
    if (slowMs === 0) return Promise.resolve();
    const { events, random } = this.#deps;
    return new Promise((resolve) => {
      events.after(random.next() * slowMs, () => {
        if (!disk.isDead) resolve();
      });
    });
  }
}

/** Leader completeness: every entry that was committed before its term is in its log. */
function checkHolds(o: {
  readonly group: number;
  readonly raft: { readonly id: number; readonly term: number; readonly lastIndex: number };
  readonly entries: readonly { readonly index: number; readonly term: number }[];
  readonly values: readonly (Buffer | undefined)[];
}): void {
  const { group, raft, entries, values } = o;
  const who = `group ${group}: ${raft.id} leads in term ${raft.term}`;
  for (const [at, { index, term }] of entries.entries()) {
    if (raft.lastIndex < index)
      throw new Error(`${who} with a log that ends at ${raft.lastIndex}, before committed entry ${index}`);
    const value = values[at];
    // Without the row it is in the state that the log was compacted to, and so are those before it.
    if (value === undefined) return;
    const decoded = decodeEntry(entryKey(group, index), value);
    if (decoded.kind === 'ok' && decoded.entry.term !== term)
      throw new Error(`${who} with another entry ${index} than the committed one`);
  }
}

const OPTIONS = (nodeId: string): ClusterOptions =>
  ({ nodeId, version: '', zone: '', addresses: { raft: '', grpc: '', rest: '' } }) as ClusterOptions;

function metricsOf(onSnapshot: () => void, onLeasedReads: (count: number) => void): RaftMetrics {
  const nothing = (): void => undefined;
  return {
    persisted: nothing,
    committed: nothing,
    proposed: nothing,
    electionStarted: nothing,
    readsConfirmed: (_group, { count, by }) => {
      if (by === 'lease') onLeasedReads(count);
    },
    snapshotDone: (_group, { direction }) => {
      if (direction === 'received') onSnapshot();
    },
    snapshotFailed: nothing,
    compacted: nothing,
    damaged: nothing,
  };
}

type Rows = { readonly key: Buffer; readonly value: Buffer }[];

/** An entry that another one follows. The last one might be missing for another reason: that it was there, nobody could tell. */
function isInside(rows: Rows, at: number): boolean {
  const [key, next] = [rows[at]?.key, rows[at + 1]?.key];
  return key?.length === 10 && next?.length === 10 && key.readUInt16BE(0) === next.readUInt16BE(0);
}

async function rowsOf(kv: MemoryKv): Promise<Rows> {
  const rows: Rows = [];
  for await (const chunk of kv.iterate({})) rows.push(...chunk);
  return rows;
}

async function kvOf(rows: Rows): Promise<MemoryKv> {
  const kv = new MemoryKv('log');
  const batch = new WriteBatch();
  for (const { key, value } of rows) batch.put(key, value);
  await kv.write(batch, { sync: true });
  return kv;
}

async function contentOf(kv: MemoryKv): Promise<MemoryKv> {
  return kvOf(await rowsOf(kv));
}
