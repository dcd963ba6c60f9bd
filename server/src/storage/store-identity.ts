import { randomUUID } from 'node:crypto';
import { ByteReader, ByteWriter } from '../base/index.ts';

/** Who a data directory is, in the handshake and in the membership. */
export interface StoreIdentity {
  /** Made at the first start, never changed: tells a wiped disk from the one that was there before. */
  readonly storeUuid: string;
  /** 1 at the first start, one more at every start: tells a disk that went back in time. */
  readonly incarnation: number;
  /** New at every start: tells two starts with the same incarnation, as of a cloned disk. */
  readonly bootNonce: string;
  /** Undefined until the node belongs to a cluster. */
  readonly clusterId: string | undefined;
  readonly nodeId: string | undefined;
}

export function firstIdentity(): StoreIdentity {
  return {
    storeUuid: randomUUID(),
    incarnation: 1,
    bootNonce: randomUUID(),
    clusterId: undefined,
    nodeId: undefined,
  };
}

/** The identity of the next start of the same store. */
export function nextIncarnation(identity: StoreIdentity): StoreIdentity {
  return { ...identity, incarnation: identity.incarnation + 1, bootNonce: randomUUID() };
}

export function encodeIdentity(identity: StoreIdentity): Buffer {
  const writer = new ByteWriter().text(identity.storeUuid).u53(identity.incarnation).text(identity.bootNonce);
  for (const optional of [identity.clusterId, identity.nodeId]) {
    writer.bool(optional !== undefined);
    if (optional !== undefined) writer.text(optional);
  }
  return Buffer.from(writer.finish());
}

/** Throws `DecodeError`. */
export function decodeIdentity(bytes: Buffer): StoreIdentity {
  const reader = new ByteReader(bytes);
  const optional = (): string | undefined => (reader.bool() ? reader.text() : undefined);
  const identity = {
    storeUuid: reader.text(),
    incarnation: reader.u53(),
    bootNonce: reader.text(),
    clusterId: optional(),
    nodeId: optional(),
  };
  reader.end();
  return identity;
}
