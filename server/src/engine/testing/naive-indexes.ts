import { float32Values } from '../stored-point.ts';
import type {
  IndexBatch,
  IndexedSlot,
  IndexHit,
  IndexOptions,
  IndexQuery,
  IndexStats,
  LoadedIndex,
  RecallSample,
  SampledRecall,
  SlotAddress,
  VectorIndex,
  VectorIndexes,
} from '../vector-index-port.ts';
import { plainScore } from './exact-score.ts';

type Slot = IndexedSlot & { readonly vector: Buffer };
type Change =
  | { readonly kind: 'upsert'; readonly slot: Slot }
  | { readonly kind: 'remove'; readonly slot: SlotAddress }
  | { readonly kind: 'drop'; readonly shard: number };

/** As if all slots were of one size. */
const SLOT_BYTES = 100;
const NO_BYTES = { bytes: 0, codeBytes: 0, originalBytes: 0, graphBytes: 0 };

interface File {
  readonly options: string;
  readonly slots: ReadonlyMap<string, Slot>;
  readonly tag: Buffer;
}

/** The oracle: indexes that compare the query with everything, with their files in memory. */
export class NaiveIndexes implements VectorIndexes {
  readonly files = new Map<string, File>();
  /** Points that were given to indexes, over all of them. */
  upserts = 0;
  /** The next save rejects. */
  failsNextSave = false;

  create(options: IndexOptions): VectorIndex {
    return new NaiveIndex(this, options, new Map());
  }

  load(path: string, options: IndexOptions): Promise<LoadedIndex | undefined> {
    const file = this.files.get(path);
    if (file === undefined) return Promise.resolve(undefined);
    if (file.options !== JSON.stringify(options)) return Promise.reject(new Error('the file is damaged'));
    return Promise.resolve({ index: new NaiveIndex(this, options, new Map(file.slots)), tag: file.tag });
  }

  batch(): NaiveBatch {
    return new NaiveBatch();
  }

  score = plainScore;
}

class NaiveBatch implements IndexBatch {
  hints = 0;
  readonly changes: Change[] = [];
  readonly byteLength = 0;

  get count(): number {
    return this.changes.length;
  }

  upsert(slot: Slot): void {
    this.changes.push({
      kind: 'upsert',
      slot: { ...slot, id: Buffer.from(slot.id), vector: Buffer.from(slot.vector) },
    });
  }

  remove(slot: SlotAddress): void {
    this.changes.push({ kind: 'remove', slot: { ...slot, id: Buffer.from(slot.id) } });
  }

  /** Hints of what to look at: this index looks at everything. */
  values(): void {
    this.hints += 1;
  }

  dropField(): void {
    this.hints += 1;
  }

  dropShard(shard: number): void {
    this.changes.push({ kind: 'drop', shard });
  }
}

class NaiveIndex implements VectorIndex {
  readonly #disk: NaiveIndexes;
  readonly #options: IndexOptions;
  readonly #slots: Map<string, Slot>;
  #dead = 0;

  constructor(disk: NaiveIndexes, options: IndexOptions, slots: Map<string, Slot>) {
    this.#disk = disk;
    this.#options = options;
    this.#slots = slots;
  }

  apply(batch: NaiveBatch): Promise<void> {
    for (const change of batch.changes) {
      if (change.kind === 'drop') this.#drop(change.shard);
      else this.#change(change);
    }
    return Promise.resolve();
  }

  search({ query, k, shards, onPlan }: IndexQuery): Promise<IndexHit[]> {
    const { metric } = this.#options;
    const sign = metric === 'euclidean' ? 1 : -1;
    const hits = [...this.#slots.values()]
      .filter((slot) => shards.some((s) => s.shard === slot.shard && s.generation === slot.generation))
      .map(({ vector, ...address }) => ({
        ...address,
        score: plainScore(metric, query, float32Values(vector)),
      }))
      .sort((a, b) => sign * (a.score - b.score) || Buffer.compare(a.id, b.id));
    onPlan?.({ way: 'exact', points: hits.length, admissible: hits.length });
    return Promise.resolve(hits.slice(0, k));
  }

  /** It keeps none. */
  fieldCounts(): Promise<{ fitting: number; misfits: number }> {
    return Promise.resolve({ fitting: 0, misfits: 0 });
  }

  /** There is no graph. */
  sampleRecall(sample: RecallSample): Promise<SampledRecall> {
    return Promise.resolve({ wanted: 0, found: sample.efs.map(() => 0) });
  }

  stats(): IndexStats {
    const live = this.#slots.size;
    const slots = live + this.#dead;
    return {
      slots,
      live,
      dead: this.#dead,
      linked: slots,
      unlinked: 0,
      ...NO_BYTES,
      bytes: slots * SLOT_BYTES,
    };
  }

  save(path: string, tag: Buffer): Promise<void> {
    if (this.#disk.failsNextSave) {
      this.#disk.failsNextSave = false;
      return Promise.reject(new Error('no space'));
    }
    this.#disk.files.set(path, { options: JSON.stringify(this.#options), slots: new Map(this.#slots), tag });
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #change({ kind, slot }: Exclude<Change, { kind: 'drop' }>): void {
    const key = `${String(slot.shard)} ${slot.id.toString('latin1')}`;
    const known = this.#slots.get(key);
    if (known?.generation === slot.generation && known.version > slot.version) return;
    if (known !== undefined) this.#dead += 1;
    if (kind === 'remove') this.#slots.delete(key);
    else {
      this.#disk.upserts += 1;
      this.#slots.set(key, slot);
    }
  }

  #drop(shard: number): void {
    for (const [key, slot] of this.#slots) {
      if (slot.shard !== shard) continue;
      this.#slots.delete(key);
      this.#dead += 1;
    }
  }
}
