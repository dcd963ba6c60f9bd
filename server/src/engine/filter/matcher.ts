import { type Condition, type Filter, parseJson } from '../../model/index.ts';
import type { StoredPoint } from '../stored-point.ts';
import { compileFieldTest } from './field-test.ts';
import { fieldValues } from './field-values.ts';

/** What a filter looks at. */
export interface Candidate {
  /** Of the point (`PointId.key`). */
  readonly idKey: Buffer;
  /** As `parseJson` reads it. */
  readonly payload: unknown;
}

export type Matcher = (candidate: Candidate) => boolean;

export function matches(matcher: Matcher, { idKey, payload }: StoredPoint): boolean {
  return matcher({ idKey, payload: parseJson(payload) });
}

/** A filter as a function; for many points, so everything that can be done once is done here. */
export function compileFilter({ must, should, mustNot, minShould }: Filter): Matcher {
  const tests: Matcher[] = must.map(compileCondition);
  for (const condition of mustNot) {
    const passes = compileCondition(condition);
    tests.push((candidate) => !passes(candidate));
  }
  if (should.length > 0) tests.push(atLeast(1, should));
  if (minShould !== undefined) tests.push(atLeast(minShould.minCount, minShould.conditions));
  return (candidate) => tests.every((passes) => passes(candidate));
}

function atLeast(count: number, conditions: readonly Condition[]): Matcher {
  const tests = conditions.map(compileCondition);
  return (candidate) => {
    let passed = 0;
    for (const passes of tests) {
      if (passed < count && passes(candidate)) passed += 1;
    }
    return passed >= count;
  };
}

function compileCondition(condition: Condition): Matcher {
  switch (condition.kind) {
    case 'filter':
      return compileFilter(condition.filter);
    case 'hasId': {
      const keys = new Set(condition.keys.map((key) => key.toString('latin1')));
      return ({ idKey }) => keys.has(idKey.toString('latin1'));
    }
    case 'nested': {
      const passes = compileFilter(condition.filter);
      return ({ idKey, payload }) =>
        fieldValues(payload, condition.path)
          .flat(1)
          .some((element) => isObject(element) && passes({ idKey, payload: element }));
    }
    case 'isEmpty':
      return ({ payload }) => fieldValues(payload, condition.path).every(isEmpty);
    case 'isNull':
      return ({ payload }) =>
        fieldValues(payload, condition.path).some(
          (value) => value === null || (Array.isArray(value) && value.includes(null)),
        );
    case 'field': {
      const passes = compileFieldTest(condition.test);
      return ({ payload }) => passes(fieldValues(payload, condition.path));
    }
  }
}

function isEmpty(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
