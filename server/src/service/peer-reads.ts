import { ByteReader, ByteWriter, type Clock, GrapeError, NotLeaderError } from '../base/index.ts';
import { RPC } from './kinds.ts';
import type { LocalReader } from './local-reader.ts';
import type { Peers } from './ports.ts';
import {
  readAddresses,
  readFilter,
  readPageQuery,
  readSearches,
  writeFound,
  writeIndexReports,
  writePage,
  writeStored,
} from './read-codec.ts';
import { type Read, readScope } from './read-scope.ts';

/** Answers the reads of other nodes from the replicas of this one. */
export function answerPeerReads(deps: {
  readonly peers: Peers;
  readonly clock: Clock;
  readonly local: LocalReader;
}): {
  readonly kind: number;
  readonly answer: (body: Buffer) => Promise<Buffer>;
}[] {
  const { local, clock } = deps;
  const open = (
    body: Buffer,
  ): { reader: ByteReader; scope: ReturnType<typeof readScope>; collection: number } => {
    const reader = new ByteReader(body);
    const scope = readScope(reader, clock.nowMs());
    return { reader, scope, collection: reader.u32() };
  };
  return [
    {
      kind: RPC.search,
      answer: async (body) => {
        const { reader, scope, collection } = open(body);
        return answered(local.search(scope, collection, readSearches(reader)), writeFound);
      },
    },
    {
      kind: RPC.fetch,
      answer: async (body) => {
        const { reader, scope, collection } = open(body);
        return answered(local.fetch(scope, collection, readAddresses(reader)), writeStored);
      },
    },
    {
      kind: RPC.scroll,
      answer: async (body) => {
        const { reader, scope, collection } = open(body);
        return answered(local.scroll(scope, collection, readPageQuery(reader)), writePage);
      },
    },
    {
      kind: RPC.indexReports,
      answer: async (body) => {
        const { scope, collection } = open(body);
        return answered(local.indexReports(scope, collection), writeIndexReports);
      },
    },
    {
      kind: RPC.count,
      answer: async (body) => {
        const { reader, scope, collection } = open(body);
        return answered(local.count(scope, collection, readFilter(reader)), (writer, count) =>
          writer.u53(count),
        );
      },
    },
  ];
}

async function answered<T>(
  reading: Promise<Read<T>>,
  write: (writer: ByteWriter, value: T) => ByteWriter,
): Promise<Buffer> {
  try {
    const { value, stalenessMs } = await reading;
    return write(new ByteWriter().f64(stalenessMs), value).finish();
  } catch (error) {
    if (!(error instanceof NotLeaderError)) throw error;
    throw new GrapeError('SHARD_UNAVAILABLE', error.message, { leader: error.leader });
  }
}
