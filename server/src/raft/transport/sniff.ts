import type { Socket } from 'node:net';

/** Before the first frame, so that the first bytes tell a peer from a browser. */
export const PREFACE = Buffer.from([0x9b, 0x47, 0x52, 0x50]);

const HTTP_STARTS = ['GET ', 'HEAD', 'POST', 'PUT ', 'PATC', 'DELE', 'OPTI', 'CONN', 'TRAC'];

export type Sniffed =
  /** `rest` came behind the preface. */
  | { readonly kind: 'peer'; readonly rest: Buffer }
  /** Nothing is lost: the bytes read are in the socket again. */
  | { readonly kind: 'http' }
  | { readonly kind: 'unknown' };

/** Looks at the first four bytes of a connection. Rejects when it ends before them. */
export function sniff(socket: Socket): Promise<Sniffed> {
  const { promise, resolve, reject } = Promise.withResolvers<Sniffed>();
  let bytes: Buffer = Buffer.alloc(0);
  const finish = (): void => {
    socket.removeListener('data', onData);
    socket.removeListener('error', onEnd);
    socket.removeListener('close', onEnd);
  };
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    if (bytes.length < PREFACE.length) return;
    finish();
    socket.pause();
    resolve(classify(socket, bytes));
  };
  const onEnd = (): void => {
    finish();
    reject(new Error('the connection ended before its first bytes'));
  };
  socket.on('data', onData);
  socket.on('error', onEnd);
  socket.on('close', onEnd);
  return promise;
}

function classify(socket: Socket, bytes: Buffer): Sniffed {
  const start = bytes.subarray(0, PREFACE.length);
  if (start.equals(PREFACE)) return { kind: 'peer', rest: bytes.subarray(PREFACE.length) };
  if (!HTTP_STARTS.includes(start.toString('latin1'))) return { kind: 'unknown' };
  socket.unshift(bytes);
  return { kind: 'http' };
}
