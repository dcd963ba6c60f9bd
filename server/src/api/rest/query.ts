import { GrapeError } from '../../base/index.ts';

/** Longest time that a client may ask to wait. */
const TIMEOUT_MS_MAX = 60_000;

/** The parameters after the `?`, each at most once and every one known. */
export class Query {
  readonly #values: ReadonlyMap<string, string>;

  /** Throws INVALID_REQUEST or UNKNOWN_KEY. `text` has no `?`. */
  constructor(text: string, keys: readonly string[]) {
    this.#values = text === '' ? NOTHING : parse(text, keys);
  }

  text(key: string): string | undefined {
    return this.#values.get(key);
  }

  /** Only `true` and `false` are accepted. */
  boolean(key: string): boolean | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (value !== 'true' && value !== 'false') {
      throw new GrapeError('INVALID_REQUEST', `the query parameter ${key} must be true or false`);
    }
    return value === 'true';
  }

  /** Decimal digits, with a sign, a fraction and an exponent as JSON has them. */
  number(key: string): number | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value)) {
      throw new GrapeError('INVALID_REQUEST', `the query parameter ${key} must be a number`);
    }
    return Number(value);
  }

  /** How long the client waits: `timeout_ms`, or what the node is configured with. */
  timeoutMs(configuredMs: number): number {
    const value = this.number('timeout_ms');
    if (value === undefined) return configuredMs;
    if (!Number.isInteger(value) || value < 1 || value > TIMEOUT_MS_MAX) {
      const message = `the query parameter timeout_ms must be an integer from 1 to ${TIMEOUT_MS_MAX}`;
      throw new GrapeError('INVALID_REQUEST', message);
    }
    return value;
  }
}

const NOTHING: ReadonlyMap<string, string> = new Map();

function parse(text: string, keys: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const split = pair.indexOf('=');
    const key = decoded(split < 0 ? pair : pair.slice(0, split));
    if (!keys.includes(key)) throw unknownKey(key, keys);
    if (values.has(key)) throw new GrapeError('INVALID_REQUEST', `the query parameter ${key} is given twice`);
    values.set(key, split < 0 ? '' : decoded(pair.slice(split + 1)));
  }
  return values;
}

function unknownKey(key: string, keys: readonly string[]): GrapeError {
  const shown = JSON.stringify(key.slice(0, 64));
  const known = keys.length === 0 ? 'there are none here' : `known are: ${keys.join(', ')}`;
  return new GrapeError('UNKNOWN_KEY', `${shown} is not a known query parameter; ${known}`);
}

/** As forms write it: `+` is a blank. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new GrapeError('INVALID_REQUEST', 'the query string is not valid percent-encoded UTF-8');
  }
}
