/** Thrown when the program itself is wrong; the process ends, because going on could lose data. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  readonly values: Readonly<Record<string, unknown>>;

  constructor(message: string, values: Readonly<Record<string, unknown>> = {}) {
    super(`invariant broken: ${message} ${describe(values)}`);
    this.values = values;
  }
}

/**
 * States what must be true here; always on, also in production. One positive condition each, values attached.
 * An expected failure is not an invariant: it is a coded error (`errors.ts`).
 */
export function invariant(
  condition: unknown,
  message: string,
  values?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) throw new InvariantError(message, values);
}

/** Marks the branch of a switch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new InvariantError('an exhaustive switch met an unknown case', { value });
}

/** Narrows away `undefined`: for look-ups that cannot miss. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new InvariantError(`${what} is present`);
  return value;
}

function describe(values: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(values, (_key, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
  } catch {
    return '(values cannot be printed)';
  }
}
