import { ByteReader, ByteWriter, type Clock, GrapeError } from '../base/index.ts';
import type { FilterText } from '../model/index.ts';
import type { IndexReport, StoredPoint } from '../shard/index.ts';
import { RPC } from './kinds.ts';
import type { Peers } from './ports.ts';
import {
  readFound,
  readIndexReports,
  readPage,
  readStored,
  writeAddresses,
  writeFilter,
  writePageQuery,
  writeSearches,
} from './read-codec.ts';
import { type Read, type ReadScope, writeScope } from './read-scope.ts';
import type { NodeFound, NodeSearch, Page, PageQuery, PointAddress, ShardReader } from './shard-reader.ts';

/** Reads the replicas of another node over the peer connection. */
export class RemoteReader implements ShardReader {
  readonly #nodeId: string;
  readonly #peers: Peers;
  readonly #clock: Clock;

  constructor(nodeId: string, deps: { readonly peers: Peers; readonly clock: Clock }) {
    this.#nodeId = nodeId;
    this.#peers = deps.peers;
    this.#clock = deps.clock;
  }

  search(
    scope: ReadScope,
    collection: number,
    searches: readonly NodeSearch[],
  ): Promise<Read<readonly NodeFound[]>> {
    return this.#ask(RPC.search, scope, {
      write: (writer) => writeSearches(writer.u32(collection), searches),
      read: readFound,
    });
  }

  fetch(
    scope: ReadScope,
    collection: number,
    points: readonly PointAddress[],
  ): Promise<Read<readonly (StoredPoint | undefined)[]>> {
    return this.#ask(RPC.fetch, scope, {
      write: (writer) => writeAddresses(writer.u32(collection), points),
      read: readStored,
    });
  }

  scroll(scope: ReadScope, collection: number, query: PageQuery): Promise<Read<Page>> {
    return this.#ask(RPC.scroll, scope, {
      write: (writer) => writePageQuery(writer.u32(collection), query),
      read: readPage,
    });
  }

  count(scope: ReadScope, collection: number, filter: FilterText | undefined): Promise<Read<number>> {
    return this.#ask(RPC.count, scope, {
      write: (writer) => writeFilter(writer.u32(collection), filter),
      read: (reader) => reader.u53(),
    });
  }

  indexReports(scope: ReadScope, collection: number): Promise<Read<readonly IndexReport[]>> {
    return this.#ask(RPC.indexReports, scope, {
      write: (writer) => writer.u32(collection),
      read: readIndexReports,
    });
  }

  async #ask<T>(
    kind: number,
    scope: ReadScope,
    codec: { readonly write: (writer: ByteWriter) => ByteWriter; readonly read: (reader: ByteReader) => T },
  ): Promise<Read<T>> {
    const nowMs = this.#clock.nowMs();
    if (scope.deadlineMs <= nowMs)
      throw new GrapeError('SHARD_UNAVAILABLE', `no time is left to ask ${this.#nodeId}`);
    const request = codec.write(writeScope(new ByteWriter(), scope, nowMs)).finish();
    const answer = await this.#peers.request(this.#nodeId, kind, request, scope.deadlineMs - nowMs);
    const reader = new ByteReader(answer);
    const stalenessMs = reader.f64();
    const value = codec.read(reader);
    reader.end();
    return { value, stalenessMs };
  }
}
