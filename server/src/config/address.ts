import type { Peer } from './types.ts';

export interface Address {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Starts with a letter or digit; at most 64 characters, so that it fits metric labels and host names. */
export const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const ADDRESS = /^(?:\[([\da-fA-F:.]+)\]|([^\s:@/[\]]+)):(\d{1,5})$/;

/** "host:port", "[ipv6]:port"; undefined when it is neither. */
export function parseAddress(text: string): Address | undefined {
  const match = ADDRESS.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** "node-id@host:raft_port"; undefined when it is not. */
export function parsePeer(text: string): Peer | undefined {
  const at = text.indexOf('@');
  const nodeId = text.slice(0, Math.max(at, 0));
  const address = parseAddress(text.slice(at + 1));
  return address === undefined || !NODE_ID.test(nodeId) ? undefined : { nodeId, ...address };
}
