/** The bytes of a `confChange` entry: version u8, transition u8, step count u16, steps (type u8, replica u53), context. */
import { ByteReader, ByteWriter, DecodeError, invariant } from '../../../base/index.ts';
import type { ConfChange, ConfChangeStep, ConfChangeTransition } from '../types.ts';

/** Most steps in one change; a group has a handful of members. */
const CONF_CHANGE_STEPS_MAX = 64;

const VERSION = 1;
const TRANSITIONS: readonly ConfChangeTransition[] = ['auto', 'implicit', 'explicit'];
const STEP_TYPES: readonly ConfChangeStep['type'][] = ['addVoter', 'addLearner', 'remove'];

/** The data of the entry that carries `change`. */
export function encodeConfChange(change: ConfChange): Buffer {
  const { transition, steps, context } = change;
  invariant(steps.length <= CONF_CHANGE_STEPS_MAX, 'a change has few steps', { steps: steps.length });
  const writer = new ByteWriter(16 + steps.length * 9 + context.length);
  writer.u8(VERSION).u8(TRANSITIONS.indexOf(transition)).u16(steps.length);
  for (const step of steps) writer.u8(STEP_TYPES.indexOf(step.type)).u53(step.replica);
  return writer.bytes(context).finish();
}

/** Reads what `encodeConfChange` wrote; throws `DecodeError` on anything else. The context is a view of `data`. */
export function decodeConfChange(data: Buffer): ConfChange {
  const reader = new ByteReader(data);
  const version = reader.u8();
  if (version !== VERSION)
    throw new DecodeError(`configuration change of unknown version ${String(version)}`);
  const transition = known(TRANSITIONS[reader.u8()], 'transition');
  const stepCount = reader.u16();
  if (stepCount > CONF_CHANGE_STEPS_MAX) throw new DecodeError(`a change of ${String(stepCount)} steps`);
  const steps: ConfChangeStep[] = [];
  for (let at = 0; at < stepCount; at += 1) {
    steps.push({ type: known(STEP_TYPES[reader.u8()], 'step type'), replica: reader.u53() });
  }
  const context = reader.bytes();
  reader.end();
  return { transition, steps, context };
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new DecodeError(`configuration change with an unknown ${what}`);
  return value;
}
