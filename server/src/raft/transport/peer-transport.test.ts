import { createServer as createHttpServer, get } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { ByteWriter, FakeClock, GrapeError, NotLeaderError, systemClock } from '../../base/index.ts';
import type { Message } from '../core/index.ts';
import { eventually } from '../testing/eventually.ts';
import { LogLines } from '../testing/log-lines.ts';
import type { GroupMessage } from '../types.ts';
import { PeerUnavailableError, RemoteError } from './errors.ts';
import { FrameSocket } from './frame-socket.ts';
import { FRAME } from './frame.ts';
import { greetAsClient, greetAsServer } from './handshake.ts';
import { type Hello, PROTOCOL_VERSION } from './hello.ts';
import { VolatileMemory } from './incarnations.ts';
import { PeerTransport, type PeerTransportDeps } from './peer-transport.ts';
import { PREFACE } from './sniff.ts';

const HOST = '127.0.0.1';
const KIND = 40;

const helloOf = (nodeId: string, more: Partial<Hello> = {}): Hello => ({
  protocol: PROTOCOL_VERSION,
  clusterId: 'c1',
  nodeId,
  storeUuid: `store of ${nodeId}`,
  incarnation: 1,
  bootNonce: 'nonce',
  sequence: 0,
  ...more,
});

interface Node {
  readonly transport: PeerTransport;
  readonly log: LogLines;
  readonly received: { readonly from: string; readonly message: GroupMessage }[];
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function listen(nodeId: string, more: Partial<PeerTransportDeps> = {}): Promise<Node> {
  const log = new LogLines();
  const transport = await PeerTransport.listen({
    host: HOST,
    port: 0,
    hello: () => helloOf(nodeId),
    tokens: () => ['secret'],
    authorize: () => undefined,
    http: (socket) => socket.destroy(),
    logger: log,
    clock: systemClock,
    ...more,
  });
  const received: Node['received'] = [];
  transport.onRaft((from, messages) => {
    for (const message of messages) received.push({ from, message });
  });
  closing.push(() => transport.close());
  return { transport, log, received };
}

const addressOf = ({ transport }: Node): { host: string; port: number } => ({
  host: HOST,
  port: transport.port,
});

/** `from` keeps a connection to `to`. */
async function linked(from: Node, to: Node, nodeId: string): Promise<void> {
  from.transport.setPeers(new Map([[nodeId, addressOf(to)]]));
  await eventually(() => from.transport.isConnected(nodeId), 'a connection');
}

async function pair(): Promise<[Node, Node]> {
  const nodes: [Node, Node] = [await listen('a'), await listen('b')];
  await linked(nodes[0], nodes[1], 'b');
  return nodes;
}

/** A server of bare sockets. */
async function bareServer(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

/** A peer that shakes hands and then says nothing. */
async function mutePeer(afterwards: (socket: Socket) => void = () => undefined): Promise<number> {
  const { port } = await bareServer((socket) => {
    socket.once('data', (first: Buffer) => {
      const frames = new FrameSocket(socket, { first: first.subarray(PREFACE.length) });
      void greetAsServer(frames, { hello: helloOf('b'), tokens: ['secret'], accept: () => undefined }).then(
        () => afterwards(socket),
      );
    });
  });
  return port;
}

function dialBare(port: number): { socket: Socket; closed: Promise<void>; bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  const socket = connect({ host: HOST, port });
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  closing.push(() => {
    socket.destroy();
    return closed;
  });
  return { socket, closed, bytes: () => Buffer.concat(chunks) };
}

const heartbeat = (round: number): GroupMessage => ({
  group: 3,
  message: { type: 'heartbeat', from: 1, to: 2, term: 1, commit: 0, readRound: round },
});

const failure = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

describe('requests between peers', () => {
  test('are answered by the handler, which knows who asks', async () => {
    const [a, b] = await pair();
    b.transport.handle(KIND, (from, body) =>
      Promise.resolve(Buffer.from(`${from.nodeId} said ${body.toString()}`)),
    );
    const answers = await Promise.all(
      ['one', 'two'].map((text) => a.transport.request('b', KIND, Buffer.from(text), 1000)),
    );
    expect(answers.map(String)).toEqual(['a said one', 'a said two']);
  });

  test('carry bodies of megabytes', async () => {
    const [a, b] = await pair();
    b.transport.handle(KIND, (_from, body) => Promise.resolve(body));
    const body = Buffer.alloc(5_000_000, 'grape');
    expect((await a.transport.request('b', KIND, body, 5000)).equals(body)).toBe(true);
  });

  test('fail with the coded error of the handler, with its details', async () => {
    const [a, b] = await pair();
    const thrown = new GrapeError('TOO_MANY_REQUESTS', 'full', { queue: 3 });
    b.transport.handle(KIND, () => Promise.reject(thrown));
    const error = await failure(a.transport.request('b', KIND, Buffer.alloc(0), 1000));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code: 'TOO_MANY_REQUESTS', message: 'full', details: { queue: 3 } });
  });

  test('learn of the leader from a node that is not', async () => {
    const [a, b] = await pair();
    b.transport.handle(KIND, () => Promise.reject(new NotLeaderError('c')));
    b.transport.handle(KIND + 1, () => Promise.reject(new NotLeaderError(undefined)));
    const errors = await Promise.all(
      [KIND, KIND + 1].map((kind) => failure(a.transport.request('b', kind, Buffer.alloc(0), 1000))),
    );
    expect(errors).toEqual([new NotLeaderError('c'), new NotLeaderError(undefined)]);
    expect((errors[0] as NotLeaderError).leader).toBe('c');
  });

  test('hide the text of a defect, which the serving node logs', async () => {
    const [a, b] = await pair();
    b.transport.handle(KIND, () => Promise.reject(new Error('a password')));
    const error = await failure(a.transport.request('b', KIND, Buffer.alloc(0), 1000));
    expect(error).toMatchObject({ code: 'INTERNAL' });
    expect((error as Error).message).not.toContain('password');
    expect(
      b.log.lines.some(
        ({ level, fields }) => level === 'error' && String(fields['error']).includes('password'),
      ),
    ).toBe(true);
  });

  test('of a kind that nobody handles are refused', async () => {
    const [a] = await pair();
    expect(await failure(a.transport.request('b', 99, Buffer.alloc(0), 1000))).toMatchObject({
      code: 'UNSUPPORTED',
    });
  });

  test('tell whether they may have arrived', async () => {
    const [a, b] = await pair();
    const unknown = await failure(a.transport.request('c', KIND, Buffer.alloc(0), 1000));
    expect(unknown).toBeInstanceOf(PeerUnavailableError);
    expect(unknown).toMatchObject({ sent: false });
    b.transport.handle(KIND, () => new Promise(() => undefined));
    expect(await failure(a.transport.request('b', KIND, Buffer.alloc(0), 20))).toMatchObject({ sent: true });
    const broken = failure(a.transport.request('b', KIND, Buffer.alloc(0), 5000));
    await b.transport.close();
    expect(await broken).toMatchObject({ sent: true });
  });

  test('of a peer that does not read the answers end the connection before they fill the memory', async () => {
    const a = await listen('a');
    const answer = Buffer.alloc(4 * 2 ** 20);
    a.transport.handle(KIND, () => Promise.resolve(answer));
    const { socket } = dialBare(a.transport.port);
    const frames = new FrameSocket(socket);
    socket.write(PREFACE);
    const accept = (): undefined => undefined;
    await greetAsClient(frames, { purpose: 'cluster', hello: helloOf('b'), tokens: ['secret'], accept });
    socket.pause();
    let most = 0;
    for (let request = 1; request <= 100; request += 1) {
      frames.send(FRAME.request, new ByteWriter(5).u32(request).u8(KIND).finish());
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, a.transport.backlogBytes('b'));
    }
    await eventually(() => a.transport.backlogBytes('b') === 0, 'the end of the connection');
    expect(most).toBeGreaterThan(32 * 2 ** 20);
    expect(most).toBeLessThan(80 * 2 ** 20);
  });

  test('to an address come before membership, and are not served what is for members', async () => {
    const b = await listen('b', { hello: () => helloOf('b', { clusterId: undefined }) });
    const a = await listen('a', { hello: () => helloOf('a', { clusterId: undefined }) });
    b.transport.handle(16, (from) => Promise.resolve(Buffer.from(`hello ${from.nodeId}`)));
    b.transport.handle(KIND, () => Promise.resolve(Buffer.from('secrets')));
    const { peer, body } = await a.transport.requestAddress(addressOf(b), 16, Buffer.alloc(0), 1000);
    expect([peer.nodeId, body.toString()]).toEqual(['b', 'hello a']);
    const refused = failure(a.transport.requestAddress(addressOf(b), KIND, Buffer.alloc(0), 1000));
    expect(await refused).toMatchObject({ code: 'NOT_A_MEMBER' });
    const nobody = failure(a.transport.requestAddress({ host: HOST, port: 1 }, 16, Buffer.alloc(0), 1000));
    expect(await nobody).toMatchObject({ sent: false });
  });
});

describe('Raft messages', () => {
  test('arrive in order, from the node that sent them', async () => {
    const [a, b] = await pair();
    for (let round = 0; round < 100; round += 1)
      expect(a.transport.sendRaft('b', [heartbeat(round)])).toBe(true);
    await eventually(() => b.received.length === 100, 'all messages');
    expect(b.received.map(({ message }) => (message.message as { readRound: number }).readRound)).toEqual(
      Array.from({ length: 100 }, (_, at) => at),
    );
    expect(new Set(b.received.map(({ from }) => from))).toEqual(new Set(['a']));
  });

  test('above the size of a frame travel in several', async () => {
    const [a, b] = await pair();
    const data = Buffer.alloc(12 * 2 ** 20, 7);
    const append = (prevIndex: number): GroupMessage => ({
      group: 1,
      message: {
        ...{ type: 'append', from: 1, to: 2, term: 1, prevIndex, prevTerm: 1, commit: 0 },
        entries: [{ index: prevIndex + 1, term: 1, kind: 'normal', data }],
      },
    });
    a.transport.sendRaft('b', [1, 2, 3, 4, 5, 6].map(append));
    await eventually(() => b.received.length === 6, 'all messages');
  });

  test('to a node that is not connected are dropped, and it is said', async () => {
    const [a] = await pair();
    expect(a.transport.sendRaft('c', [heartbeat(1)])).toBe(false);
  });

  test('to a peer that does not read are dropped before they fill the memory', async () => {
    const a = await listen('a');
    const port = await mutePeer((socket) => socket.pause());
    a.transport.setPeers(new Map([['b', { host: HOST, port }]]));
    await eventually(() => a.transport.isConnected('b'), 'a connection');
    const data = Buffer.alloc(2 ** 20);
    const message = {
      ...{ type: 'append', from: 1, to: 2, term: 1, prevIndex: 0, prevTerm: 0, commit: 0 },
      entries: [{ index: 1, term: 1, kind: 'normal', data }],
    } as Message;
    let sent = 0;
    while (sent < 100 && a.transport.sendRaft('b', [{ group: 0, message }])) sent += 1;
    expect(sent).toBeLessThan(30);
  });

  test('on a connection that is not between members end it', async () => {
    // On a clock that stands still nothing else ends it.
    const b = await listen('b', { clock: new FakeClock() });
    const { socket, closed } = dialBare(b.transport.port);
    socket.write(PREFACE);
    const frames = new FrameSocket(socket);
    const hello = helloOf('a');
    await greetAsClient(frames, { purpose: 'forming', hello, tokens: ['secret'], accept: () => undefined });
    frames.send(FRAME.raft, Buffer.from([0, 0]));
    await closed;
    expect(b.received).toEqual([]);
  });

  test('that do not decode end the connection', async () => {
    // On a clock that stands still nothing else ends it.
    const b = await listen('b', { clock: new FakeClock() });
    const { socket, closed } = dialBare(b.transport.port);
    socket.write(PREFACE);
    const frames = new FrameSocket(socket);
    await greetAsClient(frames, {
      purpose: 'cluster',
      hello: helloOf('a'),
      tokens: ['secret'],
      accept: () => undefined,
    });
    frames.send(FRAME.raft, Buffer.from('no messages'));
    await closed;
    expect(b.received).toEqual([]);
  });
});

describe('the handshake', () => {
  test('with a wrong token is refused, and both sides say so with the address of the other', async () => {
    const a = await listen('a', { tokens: () => ['wrong'] });
    const b = await listen('b');
    a.transport.setPeers(new Map([['b', addressOf(b)]]));
    await eventually(
      () => a.log.has('warn', 'token differs') && b.log.has('warn', 'token differs'),
      'both lines',
    );
    expect(a.transport.isConnected('b')).toBe(false);
    expect(a.log.find('warn', 'token differs')?.fields['address']).toBe(`${HOST}:${b.transport.port}`);
    expect(b.log.find('warn', 'token differs')?.fields['address']).toContain(HOST);
  });

  test('refuses a client with another token before it proves anything itself', async () => {
    const b = await listen('b');
    const { socket } = dialBare(b.transport.port);
    socket.write(PREFACE);
    const greeting = greetAsClient(new FrameSocket(socket), {
      purpose: 'cluster',
      hello: helloOf('a'),
      tokens: ['wrong'],
      accept: () => undefined,
    });
    await expect(greeting).rejects.toThrow('the peer refused: the cluster token differs');
    expect(b.transport.isConnected('a')).toBe(false);
  });

  test('accepts the previous token in either direction while the token changes', async () => {
    const fresh = await listen('a', { tokens: () => ['new', 'old'] });
    const stale = await listen('b', { tokens: () => ['old'] });
    await linked(fresh, stale, 'b');
    await linked(stale, fresh, 'a');
  });

  test('never carries the token', async () => {
    const token = 'a token of some length';
    const { port } = await bareServer((socket) => socket.on('data', (chunk: Buffer) => seen.push(chunk)));
    const seen: Buffer[] = [];
    const a = await listen('a', { tokens: () => [token] });
    a.transport.setPeers(new Map([['b', { host: HOST, port }]]));
    await eventually(() => Buffer.concat(seen).length > 50, 'the hello');
    expect(Buffer.concat(seen).includes(token)).toBe(false);
  });

  test('refuses a server that only sends the own proof back', async () => {
    const { port } = await bareServer((socket) => {
      socket.once('data', (first: Buffer) => {
        const frames = new FrameSocket(socket, { first: first.subarray(PREFACE.length) });
        void mirror(frames);
      });
    });
    const a = await listen('a');
    a.transport.setPeers(new Map([['b', { host: HOST, port }]]));
    await eventually(() => a.log.has('warn', 'token differs'), 'the refusal');
    expect(a.transport.isConnected('b')).toBe(false);
  });

  /** Answers the hello in the same words and the proof with itself. */
  async function mirror(frames: FrameSocket): Promise<void> {
    const hello = await frames.next();
    // Without the byte that tells the purpose, a client's hello reads as a server's.
    frames.send(FRAME.serverHello, Buffer.concat([hello.body.subarray(0, 2), hello.body.subarray(3)]));
    const proof = await frames.next();
    frames.send(FRAME.serverProof, proof.body.subarray(1));
  }

  test('refuses whom the owner does not want, on either side, with the reason', async () => {
    const a = await listen('a');
    const b = await listen('b', {
      authorize: ({ nodeId }) => (nodeId === 'a' ? 'a was removed' : undefined),
    });
    a.transport.setPeers(new Map([['b', addressOf(b)]]));
    await eventually(
      () => a.log.has('warn', 'a was removed') && b.log.has('warn', 'a was removed'),
      'both lines',
    );
    b.transport.setPeers(new Map([['a', addressOf(a)]]));
    await eventually(
      () =>
        a.log.lines.filter(({ fields }) => fields['reason'] === 'the peer refused: a was removed').length > 1,
      'the other direction',
    );
  });

  test('refuses nodes of another cluster and of none', async () => {
    for (const [clusterId, reason] of [
      ['c2', 'it belongs to c2, not to c1'],
      [undefined, 'it belongs to no cluster, not to c1'],
    ] as const) {
      const a = await listen('a', { hello: () => helloOf('a', { clusterId }) });
      const b = await listen('b');
      a.transport.setPeers(new Map([['b', addressOf(b)]]));
      await eventually(() => b.log.has('warn', reason), reason);
    }
  });

  test('refuses another node at the address of a peer', async () => {
    const a = await listen('a');
    const b = await listen('b');
    a.transport.setPeers(new Map([['c', addressOf(b)]]));
    await eventually(() => a.log.has('warn', 'b answers where c was expected'), 'the refusal');
  });

  test('refuses another version of the protocol and says which', async () => {
    const a = await listen('a', { hello: () => helloOf('a', { protocol: 9 }) });
    const b = await listen('b');
    a.transport.setPeers(new Map([['b', addressOf(b)]]));
    await eventually(
      () => a.log.has('warn', 'speaks version 9') && b.log.has('warn', 'speaks version 9'),
      'both lines',
    );
  });

  test('that does not come to an end is cut off', async () => {
    const clock = new FakeClock();
    const b = await listen('b', { clock });
    const silent = dialBare(b.transport.port);
    const started = dialBare(b.transport.port);
    await Promise.all(
      [silent, started].map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))),
    );
    started.socket.write(PREFACE);
    let isClosed = false;
    void Promise.all([silent.closed, started.closed]).then(() => (isClosed = true));
    await eventually(() => {
      clock.advance(100);
      return isClosed;
    }, 'both being closed');
  });
});

describe('a store that comes back older than it was seen', () => {
  /** A node on a store of `a`; what others say that it has forgotten. */
  async function startOf(more: Partial<Hello>): Promise<Node & { readonly forgotten: string[] }> {
    const forgotten: string[] = [];
    const hello = (): Hello => helloOf('a', more);
    const node = await listen('a', { hello, onForgotten: (reason) => forgotten.push(reason) });
    return { ...node, forgotten };
  }

  /** Was connected to `b`, and is gone. */
  async function seen(b: Node, more: Partial<Hello>): Promise<void> {
    const first = await startOf(more);
    await linked(first, b, 'b');
    await first.transport.close();
  }

  test.each([
    ['an earlier start', { incarnation: 4, bootNonce: 'other' }, 'start 4 of its store is over'],
    ['the same start in another process', { incarnation: 5, bootNonce: 'other' }, 'copied or set back'],
    [
      'a later start with a shorter log',
      { incarnation: 9, bootNonce: 'other', sequence: 69 },
      'ends at write 69, write 70 was seen',
    ],
  ])('is told so: %s', async (_, more, reason) => {
    const b = await listen('b');
    await seen(b, { incarnation: 5, sequence: 70 });
    const older = await startOf(more);
    older.transport.setPeers(new Map([['b', addressOf(b)]]));
    await eventually(() => older.forgotten.length > 0, 'the news');
    expect(older.forgotten[0]).toContain(reason);
    expect(older.transport.isConnected('b')).toBe(false);
  });

  test('is told so also by the node that connects to it, and after that node was restarted', async () => {
    const memory = new VolatileMemory();
    const b = await listen('b', { memory });
    await seen(b, { incarnation: 5, sequence: 70 });
    await b.transport.close();
    const older = await startOf({ incarnation: 6, bootNonce: 'other', sequence: 10 });
    const again = await listen('b', { memory });
    again.transport.setPeers(new Map([['a', addressOf(older)]]));
    await eventually(() => older.forgotten.length > 0, 'the news');
    expect(again.transport.isConnected('a')).toBe(false);
  });

  test('is compared with the last write that its messages told of', async () => {
    const b = await listen('b');
    let sequence = 1;
    const a = await listen('a', { hello: () => helloOf('a', { sequence }) });
    await linked(a, b, 'b');
    sequence = 33;
    a.transport.sendRaft('b', [{ group: 0, message: { type: 'timeoutNow', from: 1, to: 2, term: 1 } }]);
    await eventually(() => b.received.length > 0, 'the message');
    await a.transport.close();
    const older = await startOf({ incarnation: 2, bootNonce: 'other', sequence: 32 });
    older.transport.setPeers(new Map([['b', addressOf(b)]]));
    await eventually(() => older.forgotten.length > 0, 'the news');
  });

  test('waits, when it is a copy, while the process that was there first is connected', async () => {
    const b = await listen('b');
    const first = await startOf({ incarnation: 5 });
    await linked(first, b, 'b');
    const copy = await startOf({ incarnation: 6, bootNonce: 'other' });
    copy.transport.setPeers(new Map([['b', addressOf(b)]]));
    await eventually(() => copy.log.has('warn', 'start 5 of its store is still connected'), 'the refusal');
    expect([...copy.forgotten, ...first.forgotten]).toEqual([]);
    await first.transport.close();
    await eventually(() => copy.transport.isConnected('b'), 'a connection');
  });

  test('a process that was slow to connect anew is not taken for one', async () => {
    const memory = new VolatileMemory();
    memory.heard({ storeUuid: 'store of a', incarnation: 5, bootNonce: 'nonce', sequence: 70 });
    const b = await listen('b', { memory });
    const slow = await startOf({ incarnation: 5, sequence: 69 });
    await linked(slow, b, 'b');
    expect(slow.forgotten).toEqual([]);
    expect(memory.known('store of a')?.sequence).toBe(70);
  });

  test('a store that only goes on is welcome', async () => {
    const b = await listen('b');
    await seen(b, { incarnation: 5, sequence: 70 });
    await linked(await startOf({ incarnation: 6, bootNonce: 'other', sequence: 70 }), b, 'b');
  });
});

describe('a connection', () => {
  test('is made again after the peer was restarted, and replaces the older one', async () => {
    const [a, b] = await pair();
    const { port } = b.transport;
    await b.transport.close();
    await eventually(() => !a.transport.isConnected('b'), 'the loss');
    const again = await listen('b', { port, hello: () => helloOf('b', { incarnation: 2 }) });
    again.transport.handle(KIND, () => Promise.resolve(Buffer.from('back')));
    await eventually(() => a.transport.isConnected('b'), 'the connection');
    expect(String(await a.transport.request('b', KIND, Buffer.alloc(0), 1000))).toBe('back');
  });

  test('is given up when the peer falls silent', async () => {
    const clock = new FakeClock();
    const a = await listen('a', { clock });
    a.transport.setPeers(new Map([['b', { host: HOST, port: await mutePeer() }]]));
    await eventually(() => a.transport.isConnected('b'), 'a connection');
    const request = failure(a.transport.request('b', KIND, Buffer.alloc(0), 60_000));
    for (let second = 0; second < 4; second += 1) clock.advance(1000);
    expect(a.transport.isConnected('b')).toBe(true);
    clock.advance(1000);
    await eventually(() => a.log.has('warn', 'fallen silent'), 'the end of the connection');
    expect(await request).toMatchObject({ sent: true });
  });

  test('that is idle but alive stays', async () => {
    const clock = new FakeClock();
    const a = await listen('a', { clock });
    const b = await listen('b', { clock });
    b.transport.handle(KIND, () => Promise.resolve(Buffer.from('pong')));
    await linked(a, b, 'b');
    for (let second = 0; second < 10; second += 1) {
      clock.advance(1000);
      await a.transport.request('b', KIND, Buffer.alloc(0), 60_000);
    }
    expect(a.log.has('warn', '')).toBe(false);
  });

  test('with a node that is no member any more is ended', async () => {
    let isMember = true;
    const a = await listen('a');
    const b = await listen('b', { authorize: () => (isMember ? undefined : 'not a member') });
    await linked(a, b, 'b');
    isMember = false;
    b.transport.setPeers(new Map());
    await eventually(() => a.log.has('warn', 'not a member'), 'the end');
  });

  test('for bulk data with a node that is no member any more is ended, too', async () => {
    let isMember = true;
    const b = await listen('b', { authorize: () => (isMember ? undefined : 'not a member') });
    const { socket, closed } = dialBare(b.transport.port);
    const frames = new FrameSocket(socket);
    socket.write(PREFACE);
    const accept = (): undefined => undefined;
    await greetAsClient(frames, { purpose: 'snapshot', hello: helloOf('a'), tokens: ['secret'], accept });
    isMember = false;
    b.transport.setPeers(new Map());
    const refused = await frames.next();
    expect([refused.type, refused.body.toString()]).toEqual([FRAME.refused, 'not a member']);
    await closed;
  });
});

describe('the peer port', () => {
  test('hands HTTP over, whatever pieces the request comes in', async () => {
    const http = createHttpServer((_request, response) => response.end('metrics'));
    const b = await listen('b', { http: (socket) => http.emit('connection', socket) });
    const body = await new Promise<string>((resolve, reject) => {
      get({ host: HOST, port: b.transport.port, path: '/raft/metrics', agent: false }, (response) => {
        response.setEncoding('utf8');
        response.on('data', resolve);
      }).on('error', reject);
    });
    expect(body).toBe('metrics');
    const { socket, bytes } = dialBare(b.transport.port);
    for (const piece of [
      'G',
      'ET',
      ' /raft/met',
      'rics HTTP/1.1\r\nHo',
      'st: x\r\nConnection: close\r\n\r\n',
    ]) {
      await new Promise((resolve) => socket.write(piece, resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => bytes().includes('metrics'), 'the answer');
  });

  test('closes connections that speak something else, and says so', async () => {
    const b = await listen('b');
    const { socket, closed } = dialBare(b.transport.port);
    socket.write('SSH-2.0-OpenSSH\r\n');
    await closed;
    expect(b.log.has('warn', 'neither those of a peer nor HTTP')).toBe(true);
  });

  test('closes connections that continue with garbage', async () => {
    const b = await listen('b');
    const { socket, closed } = dialBare(b.transport.port);
    socket.write(Buffer.concat([PREFACE, Buffer.alloc(100, 0xff)]));
    await closed;
    expect(b.log.has('warn', 'at most')).toBe(true);
  });
});
