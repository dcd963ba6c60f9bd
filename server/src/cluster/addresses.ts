import { DecodeError } from '../base/index.ts';
import type { HostPort } from './ports.ts';

/** `host:port`, also `[::1]:7000`; throws `DecodeError`. */
export function parseAddress(text: string): HostPort {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:\s]+)):(?<port>\d{1,5})$/.exec(text);
  const host = match?.groups?.['v6'] ?? match?.groups?.['host'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined || port < 1 || port > 65_535) throw new DecodeError(`'${text}' is not host:port`);
  return { host, port };
}

export function addressText(address: HostPort): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
