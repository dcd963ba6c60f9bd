import {
  EMPTY_FLOOR,
  type Floor,
  type KvStore,
  type MemoryKv,
  WriteBatch,
} from '../../server/src/storage/index.ts';
import type { RaftFloor } from '../../server/src/raft/index.ts';
import type { Random } from '../../server/src/base/index.ts';
import type { Events } from './events.ts';

/** How the disk of a node behaves now. */
export interface DiskMood {
  /** Longest time of one write. */
  slowMs: number;
  /** Share of writes that fail, after which the process must end. */
  failing: number;
  /** Every write fails. */
  isFull: boolean;
}

interface Pending {
  readonly batch: WriteBatch;
  readonly sync: boolean;
}

/** The Raft store of one process on a disk whose writes take virtual time, fail, and are lost in a crash. */
export class SimDisk implements KvStore {
  readonly floor: SimFloor;
  readonly #kv: MemoryKv;
  readonly #events: Events;
  readonly #random: Random;
  readonly #mood: DiskMood;
  readonly #pending: Pending[] = [];
  readonly #onRow: (key: Buffer, value: Buffer) => void;
  #last: Promise<void> = Promise.resolve();
  /** Durable states of a while ago, newest last: what a disk may fall back to. */
  isDead = false;
  failures = 0;

  constructor(
    kv: MemoryKv,
    o: {
      readonly floor: Floor;
      readonly events: Events;
      readonly random: Random;
      readonly mood: DiskMood;
      /** Sees every row that was written. */
      readonly onRow: (key: Buffer, value: Buffer) => void;
    },
  ) {
    this.#kv = kv;
    this.#onRow = o.onRow;
    this.#events = o.events;
    this.#random = o.random;
    this.#mood = o.mood;
    this.floor = new SimFloor(o.floor, {
      soon: (run) => this.#later(run),
      inASecond: (run) =>
        this.#events.after(1_000, () => {
          if (!this.isDead) run();
        }),
    });
  }

  async write(batch: WriteBatch, options: { readonly sync: boolean }): Promise<void> {
    const pending = { batch: copyOf(batch), sync: options.sync };
    this.#pending.push(pending);
    const before = this.#last;
    const done = new Promise<void>((resolve, reject) => {
      this.#later(() => {
        void before.then(() => {
          this.#pending.shift();
          if (this.#mood.isFull || this.#random.next() < this.#mood.failing) {
            this.failures += 1;
            this.#kv.failNextWrite({ survives: this.#random.next() < 0.5 });
          }
          this.#kv.write(pending.batch, options).then(() => {
            this.#report(pending.batch);
            resolve();
          }, reject);
        });
      });
    });
    this.#last = done.catch(() => undefined);
    await done;
  }

  /** What a restart finds: some of what was not synced, and perhaps the write under way. */
  crash(): MemoryKv {
    this.isDead = true;
    const kept = this.#random.int(this.#kv.volatileBatches + 1);
    const isAll = kept === this.#kv.volatileBatches;
    const left = this.#kv.crash({ keptBatches: kept });
    const next = this.#pending[0];
    if (isAll && next !== undefined && this.#random.next() < 0.5) void left.write(next.batch, { sync: true });
    return left;
  }

  get: KvStore['get'] = (key) => this.#kv.get(key);
  multiGet: KvStore['multiGet'] = (keys) => this.#kv.multiGet(keys);
  iterate: KvStore['iterate'] = (range, options) => this.#kv.iterate(range, options);
  flush: KvStore['flush'] = () => this.#kv.flush();
  checkpoint: KvStore['checkpoint'] = (directory) => this.#kv.checkpoint(directory);
  property: KvStore['property'] = (name) => this.#kv.property(name);
  cacheCounts: KvStore['cacheCounts'] = () => this.#kv.cacheCounts();
  close: KvStore['close'] = () => this.#kv.close();

  #report(batch: WriteBatch): void {
    for (const operation of batch.operations()) {
      if (operation.type === 'put') this.#onRow(operation.key, operation.value);
    }
  }

  #later(run: () => void): void {
    this.#events.after(0.1 + this.#random.next() * this.#mood.slowMs, () => {
      if (!this.isDead) run();
    });
  }
}

interface FloorTiming {
  readonly soon: (run: () => void) => void;
  readonly inASecond: (run: () => void) => void;
}

/** The floor file: votes are durable when they resolve, the sequence with them or within a second. */
export class SimFloor implements RaftFloor {
  /** What a restart finds. */
  durable: Floor;
  readonly #timing: FloorTiming;
  #isSaveDue = false;
  #sequence: number;
  readonly #votes: Map<number, Floor['votes'][number]>;

  constructor(floor: Floor, timing: FloorTiming) {
    this.durable = floor;
    this.#timing = timing;
    this.#sequence = floor.sequence;
    this.#votes = new Map(floor.votes.map((vote) => [vote.group, vote]));
  }

  votes(changed: Parameters<RaftFloor['votes']>[0]): Promise<void> {
    for (const vote of changed) this.#votes.set(vote.group, vote);
    return new Promise((resolve) => {
      this.#timing.soon(() => {
        this.#save();
        resolve();
      });
    });
  }

  synced(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
    if (this.#isSaveDue) return;
    this.#isSaveDue = true;
    this.#timing.inASecond(() => {
      this.#isSaveDue = false;
      this.#save();
    });
  }

  #save(): void {
    this.durable = { ...EMPTY_FLOOR, sequence: this.#sequence, votes: [...this.#votes.values()] };
  }
}

function copyOf(batch: WriteBatch): WriteBatch {
  const copy = new WriteBatch();
  for (const operation of batch.operations()) {
    if (operation.type === 'put') copy.put(operation.key, operation.value);
    else if (operation.type === 'delete') copy.delete(operation.key);
    else copy.deleteRange(operation.from, operation.to);
  }
  return copy;
}
