import { memoryUsage } from 'node:process';
import type { MemoryPart } from './observability/index.ts';
import type { ShardHost } from './shard/index.ts';
import type { KvStore } from './storage/index.ts';

interface Holders {
  readonly shards: Pick<ShardHost, 'stats'>;
  readonly stores: readonly Pick<KvStore, 'property'>[];
}

/** Who holds how many bytes of memory, as each counts itself; what nobody counts is `other`. */
export function memoryParts({ shards, stores }: Holders): Record<MemoryPart, number> {
  const { rss, heapTotal, external } = memoryUsage();
  const indexes = shards.stats();
  const ofIndexes = (of: (index: (typeof indexes)[number]) => number): number =>
    indexes.reduce((total, index) => total + of(index), 0);
  const ofStores = (property: string): number =>
    stores.reduce((total, store) => total + Number(store.property(property) ?? 0), 0);
  const known = {
    codes: ofIndexes((index) => index.codeBytes),
    originals: ofIndexes((index) => index.originalBytes),
    graph: ofIndexes((index) => index.graphBytes),
    ids: ofIndexes(({ bytes, codeBytes, originalBytes, graphBytes }) => {
      return bytes - codeBytes - originalBytes - graphBytes;
    }),
    rocksdb_cache: ofStores('rocksdb.block-cache-usage'),
    rocksdb_memtables: ofStores('rocksdb.size-all-mem-tables'),
    rocksdb_tables: ofStores('rocksdb.estimate-table-readers-mem'),
    js_heap: heapTotal,
    js_buffers: external,
  };
  const sum = Object.values(known).reduce((total, bytes) => total + bytes, 0);
  return { ...known, other: Math.max(0, rss - sum) };
}
