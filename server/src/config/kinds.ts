import { z } from 'zod';

import { parseAddress, parsePeer } from './address.ts';

/** A type of values: how the file, the environment and the documentation see it. */
export interface Kind<S extends z.ZodType> {
  readonly schema: S;
  /** Completes "must be ...". */
  readonly expects: string;
  /** The value that the text of a variable or flag means; text that means none is left for the schema to refuse. */
  readonly fromText: (text: string) => unknown;
}

export function integer(min: number, max: number): Kind<z.ZodInt> {
  return {
    schema: z.int().min(min).max(max),
    expects: `an integer from ${min} to ${max}`,
    fromText: (text) => (/^-?\d+$/.test(text) ? Number(text) : text),
  };
}

export function decimal(min: number, max: number): Kind<z.ZodNumber> {
  return {
    schema: z.number().min(min).max(max),
    expects: `a number from ${min} to ${max}`,
    fromText: (text) => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text),
  };
}

export function flag(): Kind<z.ZodBoolean> {
  return {
    schema: z.boolean(),
    expects: 'true or false',
    fromText: (text) => text === 'true' || (text === 'false' ? false : text),
  };
}

export function text(pattern: RegExp, expects: string): Kind<z.ZodString> {
  return { schema: z.string().regex(pattern), expects, fromText: same };
}

export function choice<const V extends readonly string[]>(
  ...values: V
): Kind<z.ZodEnum<{ readonly [K in V[number]]: K }>> {
  return {
    schema: z.enum(values),
    expects: `one of ${values.map((value) => JSON.stringify(value)).join(', ')}`,
    fromText: same,
  };
}

export function address(): Kind<z.ZodString> {
  return {
    schema: z.string().refine((value) => parseAddress(value) !== undefined),
    expects: 'an address like "host:6334"',
    fromText: same,
  };
}

/** In a variable, peers are separated by commas. */
export function peers(): Kind<z.ZodArray<z.ZodString>> {
  return {
    schema: z.array(z.string().refine((value) => parsePeer(value) !== undefined)).max(64),
    expects: 'a list of peers like "node-1@host:7000"',
    fromText: (list) =>
      list
        .split(',')
        .map((peer) => peer.trim())
        .filter((peer) => peer !== ''),
  };
}

function same(value: string): string {
  return value;
}
