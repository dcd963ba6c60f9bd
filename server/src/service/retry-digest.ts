import { createHash, type Hash } from 'node:crypto';
import { Breather } from '../base/index.ts';
import type { PointWrite } from '../model/index.ts';
import type { Command } from '../shard/index.ts';
import type { PlannedEntry } from './write-plan.ts';

const DIGEST_BYTES = 16;
/** Bytes that are hashed before others get their turn: about two milliseconds. */
const HASHED_BYTES_BEFORE_REST = 1024 * 1024;

/**
 * Of everything a write says, whichever node it reaches and however its JSON is spaced: the first 16 bytes of SHA-256
 * over its commands. Two writes that were planned alike differ somewhere in what is hashed.
 */
export async function digestOf(plan: readonly PlannedEntry<Command>[]): Promise<Buffer> {
  const hash = createHash('sha256');
  const breather = new Breather(HASHED_BYTES_BEFORE_REST);
  for (const { command } of plan) {
    if (breather.spend(hashCommand(hash, command))) await breather.rest();
  }
  return hash.digest().subarray(0, DIGEST_BYTES);
}

/** Of a write whose commands depend on what is stored: of what was asked. */
export function digestOfParts(...parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) field(hash, Buffer.from(part));
  return hash.digest().subarray(0, DIGEST_BYTES);
}

/** Answers the bytes that it hashed. */
function hashCommand(hash: Hash, command: Command): number {
  if (command.kind === 'claim' || command.kind === 'note') return 0;
  number(hash, command.kind === 'upsert' ? 1 : 2);
  number(hash, command.collection);
  if (command.ifVersion !== undefined) field(hash, Buffer.from(`if_version ${command.ifVersion}`));
  if (command.kind === 'delete') return command.ids.reduce((bytes, id) => bytes + field(hash, id), 0);
  return command.points.reduce((bytes, point) => bytes + hashPoint(hash, point), 0);
}

function hashPoint(hash: Hash, { id, vector, payload }: PointWrite): number {
  number(hash, id.isInteger ? 1 : 0);
  return field(hash, id.key) + field(hash, vector) + field(hash, payload);
}

function field(hash: Hash, bytes: Buffer): number {
  number(hash, bytes.length);
  hash.update(bytes);
  return bytes.length;
}

function number(hash: Hash, value: number): void {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  hash.update(bytes);
}
