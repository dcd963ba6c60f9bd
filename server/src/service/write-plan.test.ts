import fc from 'fast-check';

import { NO_PAYLOAD_INDEXES, type CollectionSchema } from '../model/index.ts';
import { COMMAND_BYTES_MAX, COMMAND_POINTS_MAX, encodeCommand, shardOf } from '../shard/index.ts';
import { pointOf } from './testing/requests.ts';
import { planDelete, planUpsert } from './write-plan.ts';

const schema: CollectionSchema = {
  id: 1,
  name: 'default',
  dimension: 2,
  metric: 'dot',
  m: 16,
  ...NO_PAYLOAD_INDEXES,
};

test('every point is in exactly one entry, of its own shard, within the limits of a command', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(400_000), { minLength: 1, maxLength: 1200 }),
      fc.integer({ min: 1, max: 16 }),
      (sizes, shardCount) => {
        const points = sizes.map((size, i) =>
          pointOf(i, [1, 2], { text: 'x'.repeat(i % 97 === 0 ? size : size % 50) }),
        );
        const plan = planUpsert({ points }, schema, shardCount);
        const planned = plan.flatMap(({ shard, command }) => {
          if (command.kind !== 'upsert') throw new Error('an upsert plans upserts');
          const bytes = encodeCommand(command, { wallMs: 0 }).length;
          expect(command.points.length).toBeLessThanOrEqual(COMMAND_POINTS_MAX);
          expect(command.points.length === 1 || bytes <= COMMAND_BYTES_MAX).toBe(true);
          return command.points.map((point) => {
            expect(shardOf(1, point.id.key, shardCount)).toBe(shard);
            return point;
          });
        });
        expect(new Set(planned)).toEqual(new Set(points));
        expect(planned).toHaveLength(points.length);
        expect(plan.map(({ shard }) => shard)).toEqual(plan.map(({ shard }) => shard).sort((a, b) => a - b));
      },
    ),
    { numRuns: 30 },
  );
});

test('a point above the limit of bytes is an entry of its own', () => {
  const large = pointOf('large', [1, 2], { text: 'x'.repeat(COMMAND_BYTES_MAX) });
  const plan = planUpsert({ points: [pointOf('a', [1, 2]), large, pointOf('b', [1, 2])] }, schema, 1);
  expect(plan.map(({ command }) => (command.kind === 'upsert' ? command.points.length : 0))).toEqual([
    1, 1, 1,
  ]);
});

test('a vector of another dimension refuses the whole write', () => {
  const points = [pointOf(1, [1, 2]), pointOf(2, [1, 2, 3])];
  expect(() => planUpsert({ points }, schema, 4)).toThrow(
    'vector has 3 values, the collection has 2 dimensions',
  );
});

test('a delete of many ids is split like an upsert', () => {
  const ids = Array.from({ length: 1000 }, (_, i) => pointOf(i, [1, 2]).id);
  const plan = planDelete({ ids }, schema.id, 2);
  const keys = plan.flatMap(({ command }) => (command.kind === 'delete' ? command.ids : []));
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1000);
  expect(
    plan.every(({ command }) => command.kind === 'delete' && command.ids.length <= COMMAND_POINTS_MAX),
  ).toBe(true);
});
