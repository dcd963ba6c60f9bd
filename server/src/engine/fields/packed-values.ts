import { ByteWriter, hash64 } from '../../base/index.ts';

/** The numbers of `ValueKind` in `server/native/src/search/fields/field-index.h`. */
const KIND = { hash: 1, number: 2, place: 3, misfit: 4 } as const;

/** Values of one field of a point, packed for the index. */
export class PackedValues {
  readonly #writer = new ByteWriter(32);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  addHash(hash: bigint): void {
    writeHash(this.#writer.u8(KIND.hash), hash);
    this.#count += 1;
  }

  addNumber(number: number): void {
    this.#writer.u8(KIND.number).f64(number);
    this.#count += 1;
  }

  addPlace({ lat, lon }: { readonly lat: number; readonly lon: number }): void {
    this.#writer.u8(KIND.place).f64(lat).f64(lon);
    this.#count += 1;
  }

  /** A value of another type. */
  addMisfit(): void {
    writeHash(this.#writer.u8(KIND.misfit), OTHER);
    this.#count += 1;
  }

  finish(): Buffer {
    return this.#writer.finish();
  }
}

export function writeHash(writer: ByteWriter, hash: bigint): ByteWriter {
  return writer.u32(Number(hash & 0xffff_ffffn)).u32(Number(hash >> 32n));
}

/** Under which an index keeps a text. */
export function hashOf(text: string): bigint {
  return hash64(Buffer.from(text));
}

/** Under which an index keeps all values that are not of its type, but that a filter could ask for. */
export const OTHER = hashOf('other values');
