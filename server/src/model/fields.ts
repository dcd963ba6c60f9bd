import { GrapeError } from '../base/index.ts';
import type { Consistency } from './requests.ts';

/** A JSON object of a request. Absent keys are undefined; `null` is a value and no type accepts it. */
export type Fields = Readonly<Record<string, unknown>>;

/** The keys of one kind of request object. */
export interface KnownKeys {
  readonly keys: ReadonlySet<string>;
  /** Keys of a later version: refused as such, so that nobody believes that they had an effect. */
  readonly laterKeys: ReadonlySet<string>;
}

interface IntegerRange {
  readonly min: number;
  readonly max: number;
}

/** Reads and checks one request object; every refusal names the path of the field. */
export class FieldReader {
  readonly #fields: Fields;
  readonly #prefix: string;

  /**
   * `path` is empty for the body itself. Throws INVALID_REQUEST when `value` is no object, UNSUPPORTED for a key of
   * `known.laterKeys`, UNKNOWN_KEY for any other key outside of `known.keys`.
   */
  constructor(value: unknown, path: string, known: KnownKeys) {
    if (!isObject(value)) {
      throw new GrapeError('INVALID_REQUEST', `${path === '' ? 'the body' : path} must be a JSON object`);
    }
    this.#prefix = path === '' ? '' : `${path}.`;
    for (const key in value) {
      if (!known.keys.has(key)) this.#refuseKey(key, known);
    }
    this.#fields = value;
  }

  value(key: string): unknown {
    return this.#fields[key];
  }

  path(key: string): string {
    return this.#prefix + key;
  }

  required(key: string): unknown {
    const value = this.#fields[key];
    if (value === undefined) throw new GrapeError('INVALID_REQUEST', `${this.path(key)} is missing`);
    return value;
  }

  boolean(key: string, absent: boolean): boolean {
    const value = this.#fields[key];
    if (value === undefined) return absent;
    if (typeof value !== 'boolean') {
      throw new GrapeError('INVALID_REQUEST', `${this.path(key)} must be true or false`);
    }
    return value;
  }

  integer<A extends number | undefined>(key: string, range: IntegerRange, absent: A): number | A {
    const value = this.#fields[key];
    if (value === undefined) return absent;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < range.min || value > range.max) {
      const bounds = `${range.min} to ${range.max}`;
      throw new GrapeError('INVALID_REQUEST', `${this.path(key)} must be an integer from ${bounds}`);
    }
    return value;
  }

  consistency(): Consistency {
    const value = this.#fields['consistency'];
    return value === undefined ? 'strong' : parseConsistency(value, this.path('consistency'));
  }

  #refuseKey(key: string, known: KnownKeys): never {
    if (known.laterKeys.has(key)) {
      throw new GrapeError('UNSUPPORTED', `${this.path(key)} is not supported by this version`);
    }
    const shown = JSON.stringify(key.length > 64 ? `${key.slice(0, 64)}…` : key);
    const where = this.#prefix === '' ? 'the body' : this.#prefix.slice(0, -1);
    throw new GrapeError(
      'UNKNOWN_KEY',
      `${where} has the unknown key ${shown}; known are ${[...known.keys].join(', ')}`,
    );
  }
}

/** Throws INVALID_REQUEST; `path` names the field or the query parameter. */
export function parseConsistency(value: unknown, path = 'consistency'): Consistency {
  if (value === 'strong' || value === 'leader' || value === 'eventual') return value;
  throw new GrapeError('INVALID_REQUEST', `${path} must be "strong", "leader" or "eventual"`);
}

/** An array with 1 to `max` items. Throws INVALID_REQUEST. */
export function parseItems(value: unknown, path: string, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > max) {
    throw new GrapeError('INVALID_REQUEST', `${path} must be an array with 1 to ${max} items`);
  }
  return value as readonly unknown[];
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
