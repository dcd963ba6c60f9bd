import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

const HEADER_END = Buffer.from('\r\n\r\n');

/**
 * One persistent HTTP/1.1 connection with one request in flight. Just enough of the protocol to drive a server that
 * answers with content-length, so that the generator costs little of the machine it shares with the servers.
 */
export class HttpConnection {
  readonly #host: string;
  readonly #port: number;
  readonly #timeoutMs: number;
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting | undefined;

  constructor(target: { host: string; port: number; timeoutMs?: number }) {
    this.#host = target.host;
    this.#port = target.port;
    this.#timeoutMs = target.timeoutMs ?? 30_000;
  }

  /** Rejects when the connection breaks or the answer takes too long; the next request connects anew. */
  request(
    method: string,
    path: string,
    body?: string | Buffer,
    contentType = 'application/json',
  ): Promise<Answer> {
    if (this.#waiting !== undefined) throw new Error('one request at a time');
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const socket = this.#open();
      const length = body === undefined ? 0 : Buffer.byteLength(body);
      socket.cork();
      socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: ${contentType}\r\ncontent-length: ${length}\r\n\r\n`,
      );
      if (body !== undefined) socket.write(body);
      socket.uncork();
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #open(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    this.#received = Buffer.alloc(0);
    socket.setTimeout(this.#timeoutMs, () =>
      socket.destroy(new Error(`no answer for ${this.#timeoutMs} ms`)),
    );
    socket.on('data', (chunk) => {
      this.#receive(chunk);
    });
    socket.on('error', (error) => {
      this.#fail(socket, error);
    });
    socket.on('close', () => {
      this.#fail(socket, new Error('the connection was closed'));
    });
    this.#socket = socket;
    return socket;
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headerEnd = this.#received.indexOf(HEADER_END);
    if (headerEnd < 0) return;
    const header = this.#received.toString('latin1', 0, headerEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(header)?.[1] ?? 0);
    const end = headerEnd + HEADER_END.length + length;
    if (this.#received.length < end) return;
    const waiting = this.#waiting;
    const answer = { status: Number(header.slice(9, 12)), body: this.#received.subarray(headerEnd + 4, end) };
    this.#received = this.#received.subarray(end);
    this.#waiting = undefined;
    if (/\r\nconnection: *close/i.test(header)) this.close();
    waiting?.resolve(answer);
  }

  #fail(socket: Socket, error: Error): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }
}
