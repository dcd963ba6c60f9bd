import fc from 'fast-check';
import { DecodeError } from '../../../base/index.ts';
import type { ConfChange, ConfChangeStep, ConfState } from '../types.ts';
import { changeConf, checkConf } from './change-conf.ts';
import { decodeConfChange, encodeConfChange } from './codec.ts';

const add = (replica: number): ConfChangeStep => ({ type: 'addVoter', replica });
const learn = (replica: number): ConfChangeStep => ({ type: 'addLearner', replica });
const remove = (replica: number): ConfChangeStep => ({ type: 'remove', replica });

function conf(parts: Partial<ConfState>): ConfState {
  return { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false, ...parts };
}

function change(steps: ConfChangeStep[], transition: ConfChange['transition'] = 'auto'): ConfChange {
  return { transition, steps, context: Buffer.alloc(0) };
}

/** The configuration after `changes`, of which none may be refused. */
function after(start: ConfState, ...changes: ConfChange[]): ConfState {
  return changes.reduce((current, one) => {
    const outcome = changeConf(current, one);
    if (outcome.kind === 'refused') throw new Error(`refused: ${outcome.reason}`);
    return outcome.conf;
  }, start);
}

const THREE = conf({ voters: [1, 2, 3] });

describe('a change of the configuration', () => {
  it.each([
    ['one voter more', [add(4)], { voters: [1, 2, 3, 4] }],
    ['one voter less', [remove(2)], { voters: [1, 3] }],
    ['learners', [learn(9), learn(8)], { voters: [1, 2, 3], learners: [8, 9] }],
    ['a demotion', [learn(3)], { voters: [1, 2], learners: [3] }],
    ['a voter and a learner', [add(4), learn(5)], { voters: [1, 2, 3, 4], learners: [5] }],
    ['nobody known', [remove(7)], { voters: [1, 2, 3] }],
  ])('of %s needs no joint configuration', (_what, steps, expected) => {
    expect(after(THREE, change(steps))).toEqual(conf(expected));
  });

  it('promotes a learner', () => {
    expect(after(conf({ voters: [1], learners: [2] }), change([add(2)]))).toEqual(conf({ voters: [1, 2] }));
  });

  it('of two voters goes through a joint configuration that is left by itself', () => {
    const joint = after(THREE, change([add(4), remove(1)]));
    expect(joint).toEqual(conf({ voters: [2, 3, 4], votersOutgoing: [1, 2, 3], autoLeave: true }));
    expect(after(joint, change([]))).toEqual(conf({ voters: [2, 3, 4] }));
  });

  it('is joint when asked for, and left by itself or not as asked for', () => {
    const joint = { voters: [1, 2, 3, 4], votersOutgoing: [1, 2, 3] };
    expect(after(THREE, change([add(4)], 'implicit'))).toEqual(conf({ ...joint, autoLeave: true }));
    expect(after(THREE, change([add(4)], 'explicit'))).toEqual(conf({ ...joint, autoLeave: false }));
  });

  it('demotes an outgoing voter only when the joint configuration is left', () => {
    const joint = after(THREE, change([learn(1), learn(2)]));
    expect(joint).toEqual(
      conf({ voters: [3], votersOutgoing: [1, 2, 3], learnersNext: [1, 2], autoLeave: true }),
    );
    expect(after(joint, change([]))).toEqual(conf({ voters: [3], learners: [1, 2] }));
  });

  it.each([
    ['leaving a plain configuration', THREE, change([]), 'notJoint'],
    ['another change while joint', after(THREE, change([add(4)], 'explicit')), change([add(5)]), 'joint'],
    ['nobody left', THREE, change([remove(1), remove(2), remove(3)]), 'invalid'],
    ['replica 0', THREE, change([add(0)]), 'invalid'],
  ])('is refused: %s', (_what, start, one, reason) => {
    expect(changeConf(start, one)).toEqual({ kind: 'refused', reason });
  });

  it('keeps majorities overlapping from each configuration to the next', () => {
    const id = fc.integer({ min: 1, max: 6 });
    const type = fc.constantFrom<ConfChangeStep['type']>('addVoter', 'addLearner', 'remove');
    const step = fc.record({ type, replica: id });
    const steps = fc.array(step, { minLength: 1, maxLength: 4 });
    const transition = fc.constantFrom<ConfChange['transition']>('auto', 'implicit', 'explicit');
    const many = fc.array(fc.record({ steps, transition }), { maxLength: 6 });
    fc.assert(
      fc.property(many, (changes) => {
        let current = THREE;
        for (const one of changes) {
          const outcome = changeConf(current, change(one.steps, one.transition));
          if (outcome.kind === 'refused') continue;
          const next = outcome.conf;
          checkConf(next);
          const isJoint = next.votersOutgoing.length > 0;
          // Entering a joint configuration keeps the old majority in it; without one, one voter differs.
          if (isJoint) expect(next.votersOutgoing).toEqual(current.voters);
          else {
            const union = new Set([...next.voters, ...current.voters]).size;
            expect(2 * union - next.voters.length - current.voters.length).toBeLessThanOrEqual(1);
          }
          current = isJoint ? after(next, change([])) : next;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the bytes of a change', () => {
  it('decode to what was encoded', () => {
    const one: ConfChange = {
      transition: 'explicit',
      steps: [add(1), learn(2 ** 53 - 1), remove(3)],
      context: Buffer.from('where'),
    };
    expect(decodeConfChange(encodeConfChange(one))).toEqual(one);
  });

  it('are refused when they are of another version, cut short, or too long', () => {
    const bytes = encodeConfChange(change([add(1)]));
    expect(() => decodeConfChange(bytes.subarray(0, -1))).toThrow(DecodeError);
    expect(() => decodeConfChange(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(DecodeError);
    expect(() => decodeConfChange(Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]))).toThrow('unknown version');
    expect(() => decodeConfChange(Buffer.from([1, 9, 0, 0, 0, 0, 0, 0]))).toThrow('unknown transition');
  });
});
