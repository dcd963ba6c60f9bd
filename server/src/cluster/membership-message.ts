import { ByteReader, ByteWriter } from '../base/index.ts';
import { readFormat, readList, readName, writeList } from './codec.ts';
import type { MembershipChange } from './ports.ts';

const FORMAT = 1;
const STEPS = ['addVoter', 'addLearner', 'remove'] as const;

/** A step of a group, asked of its leader. */
export interface GroupStep {
  readonly group: number;
  readonly change: MembershipChange;
}

export function encodeGroupStep({ group, change }: GroupStep): Buffer {
  const out = new ByteWriter().u8(FORMAT).u16(group).u53(change.configurationIndex);
  writeList(out, change.steps, ({ type, replica }) => out.text(type).u53(replica));
  return out.finish();
}

/** Throws `DecodeError`. */
export function decodeGroupStep(bytes: Buffer): GroupStep {
  const from = new ByteReader(bytes);
  readFormat(from, FORMAT, 'a change of a group');
  const group = from.u16();
  const configurationIndex = from.u53();
  const steps = readList(from, (step) => ({ type: readName(step, STEPS), replica: step.u53() }));
  from.end();
  return { group, change: { configurationIndex, steps } };
}
