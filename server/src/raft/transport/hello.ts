import { ByteReader, ByteWriter, DecodeError } from '../../base/index.ts';

/** Version of everything that travels between nodes. */
export const PROTOCOL_VERSION = 2;

/** Who a node is; proved to belong to the cluster by the handshake. */
export interface Hello {
  readonly protocol: number;
  readonly clusterId: string | undefined;
  readonly nodeId: string;
  readonly storeUuid: string;
  /** Counts the starts of the store. */
  readonly incarnation: number;
  /** Drawn at every start. */
  readonly bootNonce: string;
  /** Of the last synced write batch of its Raft log. */
  readonly sequence: number;
}

/**
 * What a connection is for. `cluster`: between members. `forming`: before membership is known, only requests below
 * `SERVICE_KIND_MIN`. `snapshot`: a second connection between members, which carries requests with bulk data.
 */
export type Purpose = 'cluster' | 'forming' | 'snapshot';
const PURPOSES: readonly Purpose[] = ['cluster', 'forming', 'snapshot'];

export const NONCE_BYTES = 32;

export interface ClientHello {
  readonly purpose: Purpose;
  readonly hello: Hello;
  readonly nonce: Buffer;
}

export interface ServerHello {
  readonly hello: Hello;
  readonly nonce: Buffer;
}

export function encodeClientHello({ purpose, hello, nonce }: ClientHello): Buffer {
  const writer = new ByteWriter().u16(hello.protocol).u8(PURPOSES.indexOf(purpose));
  return writeHello(writer, hello).raw(nonce).finish();
}

/** Throws `DecodeError`. The version is read first: what follows it may look different in another one. */
export function decodeClientHello(bytes: Buffer): ClientHello {
  const reader = new ByteReader(bytes);
  const protocol = readProtocol(reader);
  const purpose = PURPOSES[reader.u8()];
  if (purpose === undefined) throw new DecodeError('a connection of unknown purpose');
  const hello = readHello(reader, protocol);
  const nonce = reader.raw(NONCE_BYTES);
  reader.end();
  return { purpose, hello, nonce };
}

export function encodeServerHello({ hello, nonce }: ServerHello): Buffer {
  return writeHello(new ByteWriter().u16(hello.protocol), hello).raw(nonce).finish();
}

export function decodeServerHello(bytes: Buffer): ServerHello {
  const reader = new ByteReader(bytes);
  const hello = readHello(reader, readProtocol(reader));
  const nonce = reader.raw(NONCE_BYTES);
  reader.end();
  return { hello, nonce };
}

function readProtocol(reader: ByteReader): number {
  const protocol = reader.u16();
  if (protocol !== PROTOCOL_VERSION) {
    throw new DecodeError(
      `it speaks version ${protocol} of the peer protocol, this node speaks ${PROTOCOL_VERSION}`,
    );
  }
  return protocol;
}

function writeHello(writer: ByteWriter, hello: Hello): ByteWriter {
  writer.bool(hello.clusterId !== undefined).text(hello.clusterId ?? '');
  writer.text(hello.nodeId).text(hello.storeUuid).u53(hello.incarnation).text(hello.bootNonce);
  return writer.u53(hello.sequence);
}

function readHello(reader: ByteReader, protocol: number): Hello {
  const hasClusterId = reader.bool();
  const clusterId = reader.text();
  return {
    protocol,
    clusterId: hasClusterId ? clusterId : undefined,
    nodeId: reader.text(),
    storeUuid: reader.text(),
    incarnation: reader.u53(),
    bootNonce: reader.text(),
    sequence: reader.u53(),
  };
}
