import { loadNative } from './load.ts';

declare const kind: unique symbol;
/** Opaque: only the addon looks inside. The garbage collector closes what nobody closed. */
export interface DatabaseHandle {
  readonly [kind]: 'database';
}
export interface ScanHandle {
  readonly [kind]: 'scan';
}

/** The functions of `server/native/src/kv/init.cc`. Promises are rejected with `{code, message, rocksdb?}`. */
export interface KvAddon {
  kvOpen(path: string, options: object): Promise<DatabaseHandle>;
  kvWrite(db: DatabaseHandle, batch: Buffer, sync: boolean): Promise<void>;
  kvGet(db: DatabaseHandle, key: Buffer): Promise<Buffer | undefined>;
  kvMultiGet(db: DatabaseHandle, keys: Buffer): Promise<Buffer>;
  kvScan(
    db: DatabaseHandle,
    lower: Buffer | undefined,
    upper: Buffer | undefined,
    reverse: boolean,
    keysOnly: boolean,
  ): Promise<ScanHandle>;
  kvScanNext(
    scan: ScanHandle,
    entriesMax: number,
    bytesMax: number,
  ): Promise<{ chunk: Buffer; done: boolean }>;
  kvScanClose(scan: ScanHandle): Promise<void>;
  kvFlush(db: DatabaseHandle): Promise<void>;
  kvCheckpoint(db: DatabaseHandle, directory: string): Promise<void>;
  kvProperty(db: DatabaseHandle, name: string): string | undefined;
  kvCacheCounts(db: DatabaseHandle): [hits: number, misses: number];
  kvClose(db: DatabaseHandle): Promise<void>;
}

export function kvAddon(): KvAddon {
  return loadNative() as KvAddon;
}
