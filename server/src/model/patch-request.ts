import { GrapeError } from '../base/index.ts';
import { type Fields, FieldReader } from './fields.ts';
import { parseJson } from './json.ts';
import { PAYLOAD_BYTES_MAX, parsePayload } from './payload.ts';
import type { PatchRequest } from './requests.ts';
import { IF_VERSION, parseIfVersion } from './write-requests.ts';

const PATCH = { keys: new Set(['set', 'unset', IF_VERSION]), laterKeys: new Set<string>() };
const UNSET_MAX = 10_000;

/** `{"set":{..},"unset":["key"]}`: at least one of them; a key is in one of them only. Throws as `parseUpsert`. */
export function parsePatch(body: unknown): PatchRequest {
  const fields = new FieldReader(body, '', PATCH);
  const set = parsePayload(fields.value('set'), 'set');
  const unset = parseUnset(fields.value('unset'));
  const both = unset.find((key) => Object.hasOwn((fields.value('set') ?? {}) as Fields, key));
  if (both !== undefined)
    throw new GrapeError('INVALID_REQUEST', `${JSON.stringify(both)} is in set and in unset`);
  if (fields.value('set') === undefined && unset.length === 0)
    throw new GrapeError('INVALID_REQUEST', 'a patch needs set, unset, or both');
  return { set, unset, ...parseIfVersion(fields) };
}

/** The payload after a patch, as JSON text. Throws INVALID_PAYLOAD when it is too long then. */
export function patchedPayload(payload: Buffer, { set, unset }: PatchRequest): Buffer {
  const gone = new Set(unset);
  const kept = Object.entries(parseJson(payload) as Fields).filter(([key]) => !gone.has(key));
  const patched = Object.fromEntries([...kept, ...Object.entries(parseJson(set) as Fields)]);
  const text = Buffer.from(JSON.stringify(patched));
  if (text.length <= PAYLOAD_BYTES_MAX) return text;
  const message = `the payload would have ${text.length} bytes of JSON, at most ${PAYLOAD_BYTES_MAX} are allowed`;
  throw new GrapeError('INVALID_PAYLOAD', message);
}

function parseUnset(value: unknown): string[] {
  if (value === undefined) return [];
  const isList = Array.isArray(value) && value.length > 0 && value.length <= UNSET_MAX;
  if (!isList || !value.every((key) => typeof key === 'string'))
    throw new GrapeError('INVALID_REQUEST', `unset must be an array with 1 to ${UNSET_MAX} keys`);
  return [...new Set(value)];
}
