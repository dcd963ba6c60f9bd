import type { Hello, HostPort, Peers } from '../ports.ts';

/** What a node shows to the network: the same two functions that the real transport is given. */
export interface NetworkNode {
  hello(): Hello;
  refusal(peer: Hello, purpose: 'cluster' | 'forming'): string | undefined;
}

type Handler = (from: Hello, body: Buffer) => Promise<Buffer>;

interface Endpoint {
  readonly node: NetworkNode;
  readonly handlers: Map<number, Handler>;
  readonly peers: Map<string, HostPort>;
}

/** Connects nodes of one process: requests arrive at once, both sides may refuse, a node that left is unreachable. */
export class LoopbackNetwork {
  readonly #endpoints = new Map<string, Endpoint>();

  join(address: HostPort, node: NetworkNode): Peers {
    const endpoint: Endpoint = { node, handlers: new Map(), peers: new Map() };
    this.#endpoints.set(keyOf(address), endpoint);
    return {
      setPeers: (peers) => {
        endpoint.peers.clear();
        for (const [nodeId, peer] of peers) endpoint.peers.set(nodeId, peer);
      },
      isConnected: (nodeId) => this.#member(endpoint, nodeId) !== undefined,
      request: (nodeId, kind, body) => {
        const target = this.#member(endpoint, nodeId);
        return target === undefined ? unreachable(nodeId) : this.#deliver(endpoint, target, kind, body);
      },
      requestAddress: async (to, kind, body) => {
        const target = this.#endpoints.get(keyOf(to));
        if (target === undefined || !this.#isJoined(endpoint)) return unreachable(keyOf(to));
        const refusal =
          target.node.refusal(node.hello(), 'forming') ?? node.refusal(target.node.hello(), 'forming');
        if (refusal !== undefined) throw new Error(refusal);
        return { peer: target.node.hello(), body: await this.#deliver(endpoint, target, kind, body) };
      },
      handle: (kind, handler) => {
        endpoint.handlers.set(kind, handler);
      },
    };
  }

  leave(address: HostPort): void {
    this.#endpoints.delete(keyOf(address));
  }

  /** The other side of a connection between members, when both accept each other. */
  #member(from: Endpoint, nodeId: string): Endpoint | undefined {
    const address = from.peers.get(nodeId);
    const target = address === undefined ? undefined : this.#endpoints.get(keyOf(address));
    if (target === undefined || !this.#isJoined(from)) return undefined;
    const refusal =
      target.node.refusal(from.node.hello(), 'cluster') ?? from.node.refusal(target.node.hello(), 'cluster');
    return refusal === undefined ? target : undefined;
  }

  #isJoined(endpoint: Endpoint): boolean {
    return [...this.#endpoints.values()].includes(endpoint);
  }

  #deliver(from: Endpoint, to: Endpoint, kind: number, body: Buffer): Promise<Buffer> {
    const handler = to.handlers.get(kind);
    return handler === undefined ? unreachable(`kind ${kind}`) : handler(from.node.hello(), body);
  }
}

function keyOf({ host, port }: HostPort): string {
  return `${host}:${port}`;
}

function unreachable(what: string): Promise<never> {
  return Promise.reject(new Error(`${what} is unreachable`));
}
