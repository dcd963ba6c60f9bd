import { type KvStore, WriteBatch } from '../../storage/index.ts';

interface Held {
  readonly sync: boolean;
  readonly proceed: () => void;
}

/** A store whose writes can be held back, to see what leaves before they are durable. */
export class GatedKv implements KvStore {
  readonly #inner: KvStore;
  #isHolding = false;
  #held: Held[] = [];
  /** Syncs asked for and not yet done, or done: in order. */
  readonly writes: { readonly sync: boolean; readonly operations: number }[] = [];

  constructor(inner: KvStore) {
    this.#inner = inner;
  }

  get heldWrites(): number {
    return this.#held.length;
  }

  hold(): void {
    this.#isHolding = true;
  }

  release(): void {
    this.#isHolding = false;
    for (const { proceed } of this.#held.splice(0)) proceed();
  }

  async write(batch: WriteBatch, options: { readonly sync: boolean }): Promise<void> {
    this.writes.push({ sync: options.sync, operations: batch.count });
    const copy = copyOf(batch);
    if (this.#isHolding) {
      await new Promise<void>((proceed) => this.#held.push({ sync: options.sync, proceed }));
    }
    await this.#inner.write(copy, options);
  }

  get: KvStore['get'] = (key) => this.#inner.get(key);
  multiGet: KvStore['multiGet'] = (keys) => this.#inner.multiGet(keys);
  iterate: KvStore['iterate'] = (range, options) => this.#inner.iterate(range, options);
  flush: KvStore['flush'] = () => this.#inner.flush();
  checkpoint: KvStore['checkpoint'] = (directory) => this.#inner.checkpoint(directory);
  property: KvStore['property'] = (name) => this.#inner.property(name);
  cacheCounts: KvStore['cacheCounts'] = () => this.#inner.cacheCounts();
  close: KvStore['close'] = () => this.#inner.close();
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
