import { connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to bytes on a link, in one direction. */
export type LinkMode = 'pass' | 'stall' | 'slow';

/** Delay of every chunk of a slow link. */
const SLOW_MS = 150;
/** Bytes that a stalled link holds at most; then the sender's own buffers fill, as on a cut network. */
const STALLED_BYTES_MAX = 4 * 2 ** 20;

interface Flow {
  readonly from: Socket;
  readonly to: Socket;
  /** In the order of arrival. */
  readonly held: Buffer[];
  heldBytes: number;
  isDraining: boolean;
}

interface Link {
  /** Node that dialled; undefined until it has said who it is. */
  source: string | undefined;
  readonly there: Flow;
  readonly back: Flow;
}

/**
 * Stands before the Raft port of one node, which advertises this port as its own. Who dials says so in its first bytes
 * (the client hello names the node), so every pair of nodes has a link of its own that can be stalled in one direction.
 */
export class LinkProxy {
  readonly #target: { readonly nodeId: string; readonly port: number };
  readonly #links = new Set<Link>();
  readonly #modes = new Map<string, LinkMode>();
  readonly #server: Server;

  constructor(target: { readonly nodeId: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve());
    });
  }

  /** Bytes from one node to another; either is this proxy's node. */
  set(from: string, to: string, mode: LinkMode): void {
    this.#modes.set(`${from}>${to}`, mode);
    for (const link of this.#links) {
      this.#drain(link, link.there);
      this.#drain(link, link.back);
    }
  }

  /** Ends the connections with that node: what was on the way is lost. */
  reset(nodeId: string): void {
    for (const link of this.#links) if (link.source === nodeId) this.#end(link);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const link of this.#links) this.#end(link);
    await closed;
  }

  #accept(dialler: Socket): void {
    const target = connect({ host: '127.0.0.1', port: this.#target.port });
    const flow = (from: Socket, to: Socket): Flow => ({
      from,
      to,
      held: [],
      heldBytes: 0,
      isDraining: false,
    });
    const link: Link = { source: undefined, there: flow(dialler, target), back: flow(target, dialler) };
    this.#links.add(link);
    for (const socket of [dialler, target]) {
      socket.setNoDelay(true);
      // Either side may vanish at any time: that is what is being tested.
      socket.on('error', () => this.#end(link));
      socket.on('close', () => this.#end(link));
    }
    dialler.on('data', (bytes) => {
      link.source ??= /node-\d+/.exec(bytes.toString('latin1'))?.[0];
      this.#take(link, link.there, bytes);
    });
    target.on('data', (bytes) => this.#take(link, link.back, bytes));
  }

  #take(link: Link, flow: Flow, bytes: Buffer): void {
    flow.held.push(bytes);
    flow.heldBytes += bytes.length;
    if (flow.heldBytes > STALLED_BYTES_MAX) flow.from.pause();
    this.#drain(link, flow);
  }

  #drain(link: Link, flow: Flow): void {
    if (flow.isDraining || flow.held.length === 0) return;
    const mode = this.#modeOf(link, flow);
    if (mode === 'stall') return;
    if (mode === 'pass') {
      for (const bytes of flow.held.splice(0)) flow.to.write(bytes);
      flow.heldBytes = 0;
      flow.from.resume();
      return;
    }
    flow.isDraining = true;
    setTimeout(() => {
      flow.isDraining = false;
      const bytes = flow.held.shift();
      if (bytes !== undefined && !flow.to.destroyed) flow.to.write(bytes);
      flow.heldBytes -= bytes?.length ?? 0;
      if (flow.heldBytes <= STALLED_BYTES_MAX) flow.from.resume();
      this.#drain(link, flow);
    }, SLOW_MS);
  }

  #modeOf(link: Link, flow: Flow): LinkMode {
    const { nodeId } = this.#target;
    const [from, to] = flow === link.there ? [link.source, nodeId] : [nodeId, link.source];
    return this.#modes.get(`${from}>${to}`) ?? 'pass';
  }

  #end(link: Link): void {
    this.#links.delete(link);
    link.there.from.destroy();
    link.there.to.destroy();
  }
}
