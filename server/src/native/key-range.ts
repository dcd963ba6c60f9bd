/** Keys between bounds, in the order of their bytes; without bounds all keys. */
export interface KvRange {
  readonly gte?: Buffer;
  readonly gt?: Buffer;
  readonly lt?: Buffer;
  readonly lte?: Buffer;
  /** From the last key to the first. */
  readonly reverse?: boolean;
  /** Values are left empty. */
  readonly keysOnly?: boolean;
}

/** `lower <= key < upper`. */
export interface HalfOpenRange {
  readonly lower: Buffer | undefined;
  readonly upper: Buffer | undefined;
}

/** The same keys with an inclusive beginning and an exclusive end; with two bounds on one side the narrower counts. */
export function halfOpen(range: KvRange): HalfOpenRange {
  const afterGt = range.gt && successor(range.gt);
  const afterLte = range.lte && successor(range.lte);
  return {
    lower: pick(range.gte, afterGt, (a, b) => Buffer.compare(a, b) > 0),
    upper: pick(range.lt, afterLte, (a, b) => Buffer.compare(a, b) < 0),
  };
}

export function isEmptyRange({ lower, upper }: HalfOpenRange): boolean {
  return upper !== undefined && Buffer.compare(lower ?? Buffer.alloc(0), upper) >= 0;
}

/** The smallest key behind `key`. */
function successor(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.alloc(1)]);
}

function pick(
  a: Buffer | undefined,
  b: Buffer | undefined,
  narrower: (a: Buffer, b: Buffer) => boolean,
): Buffer | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return narrower(a, b) ? a : b;
}
