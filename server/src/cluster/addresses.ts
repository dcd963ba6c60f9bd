import { DecodeError } from '../base/index.ts';
import type { HostPort } from './ports.ts';

/** `host:port`, also `[::1]:7000`; throws `DecodeError`. */
export function parseAddress(text: string): HostPort {
  const address = tryParse(text);
  if (address === undefined) throw new DecodeError(`'${text}' is not host:port`);
  return address;
}

export function isAddress(text: string): boolean {
  return tryParse(text) !== undefined;
}

function tryParse(text: string): HostPort | undefined {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:\s]+)):(?<port>\d{1,5})$/.exec(text);
  const host = match?.groups?.['v6'] ?? match?.groups?.['host'];
  const port = Number(match?.groups?.['port']);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}
