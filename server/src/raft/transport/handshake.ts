import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { asError, ByteReader, ByteWriter, DecodeError } from '../../base/index.ts';
import type { FrameSocket } from './frame-socket.ts';
import { FRAME } from './frame.ts';
import {
  decodeClientHello,
  decodeServerHello,
  encodeClientHello,
  encodeServerHello,
  type Hello,
  NONCE_BYTES,
  type Purpose,
} from './hello.ts';

/** Newest first; either side proves with each of them, so that a token can change node by node. */
export type Tokens = readonly string[];
const TOKENS_MAX = 4;
const PROOF_BYTES = 32;

/** Why two nodes do not talk. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
}

interface Transcript {
  readonly client: Buffer;
  readonly server: Buffer;
}

/**
 * The side that connected. Both hellos carry a nonce; each side proves that it knows a token by an HMAC-SHA256 over its
 * role and both hellos, the client first. The token itself never travels, and no proof fits another connection, the
 * other role or another purpose. `accept` says why a proven peer is not wanted.
 * Rejects with `HandshakeError`, after telling the other side why.
 */
export async function greetAsClient(
  frames: FrameSocket,
  o: { purpose: Purpose; hello: Hello; tokens: Tokens; accept: (peer: Hello) => string | undefined },
): Promise<Hello> {
  return refusing(frames, async () => {
    const client = encodeClientHello({ purpose: o.purpose, hello: o.hello, nonce: randomBytes(NONCE_BYTES) });
    frames.send(FRAME.clientHello, client);
    const server = await expect(frames, FRAME.serverHello);
    const { hello: peer } = decodeServerHello(server);
    const transcript = { client, server };
    frames.send(FRAME.clientProof, encodeProofs(o.tokens.map((token) => proof(token, 'client', transcript))));
    const answer = await expect(frames, FRAME.serverProof);
    const isProven = o.tokens.some((token) => isEqual(answer, proof(token, 'server', transcript)));
    if (!isProven) throw new HandshakeError('the cluster token differs');
    refuse(o.accept(peer));
    return peer;
  });
}

/** The side that was connected to; the counterpart of `greetAsClient`. */
export async function greetAsServer(
  frames: FrameSocket,
  o: { hello: Hello; tokens: Tokens; accept: (peer: Hello, purpose: Purpose) => string | undefined },
): Promise<{ peer: Hello; purpose: Purpose }> {
  return refusing(frames, async () => {
    const client = await expect(frames, FRAME.clientHello);
    const { hello: peer, purpose } = decodeClientHello(client);
    const server = encodeServerHello({ hello: o.hello, nonce: randomBytes(NONCE_BYTES) });
    frames.send(FRAME.serverHello, server);
    const transcript = { client, server };
    const proofs = decodeProofs(await expect(frames, FRAME.clientProof));
    const token = o.tokens.find((known) => {
      const expected = proof(known, 'client', transcript);
      return proofs.some((given) => isEqual(given, expected));
    });
    if (token === undefined)
      throw new HandshakeError(`the cluster token differs (it calls itself ${peer.nodeId})`);
    refuse(o.accept(peer, purpose));
    frames.send(FRAME.serverProof, proof(token, 'server', transcript));
    return { peer, purpose };
  });
}

function proof(token: string, role: 'client' | 'server', { client, server }: Transcript): Buffer {
  const bytes = new ByteWriter(client.length + server.length + 64)
    .text(`grape peer ${role}`)
    .bytes(client)
    .bytes(server);
  return createHmac('sha256', token).update(bytes.finish()).digest();
}

function encodeProofs(proofs: readonly Buffer[]): Buffer {
  const writer = new ByteWriter().u8(proofs.length);
  for (const bytes of proofs) writer.raw(bytes);
  return writer.finish();
}

function decodeProofs(bytes: Buffer): Buffer[] {
  const reader = new ByteReader(bytes);
  const count = reader.u8();
  if (count > TOKENS_MAX) throw new DecodeError(`${count} proofs of the token`);
  const proofs = Array.from({ length: count }, () => reader.raw(PROOF_BYTES));
  reader.end();
  return proofs;
}

function isEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function refuse(reason: string | undefined): void {
  if (reason !== undefined) throw new HandshakeError(reason);
}

/** The body of the next frame, which must be of `type`. */
async function expect(frames: FrameSocket, type: number): Promise<Buffer> {
  const frame = await frames.next();
  if (frame.type === FRAME.refused)
    throw new RefusedByPeer(`the peer refused: ${frame.body.toString('utf8')}`);
  if (frame.type !== type) throw new HandshakeError(`a frame of type ${frame.type} instead of ${type}`);
  return frame.body;
}

/** The other side said no: there is nothing to tell it. */
class RefusedByPeer extends HandshakeError {}

async function refusing<T>(frames: FrameSocket, handshake: () => Promise<T>): Promise<T> {
  try {
    return await handshake();
  } catch (thrown) {
    const error = asError(thrown);
    const isOurs =
      (error instanceof HandshakeError && !(error instanceof RefusedByPeer)) || error instanceof DecodeError;
    if (isOurs) frames.send(FRAME.refused, Buffer.from(error.message));
    frames.close(error);
    throw error instanceof HandshakeError ? error : new HandshakeError(error.message);
  }
}
