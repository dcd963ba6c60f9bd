import { BodyParser, PARSE_HERE_BYTES_MAX } from './body-parser.ts';

const context = { dimension: 3, metric: 'cosine' } as const;
const parser = new BodyParser();
afterAll(() => parser.close());

/** A body that is parsed on the other thread. */
const large = (text: string): Buffer => Buffer.from(text + ' '.repeat(PARSE_HERE_BYTES_MAX));

test('a large body gives the same request as a small one', async () => {
  const text = '{"points":[{"id":1,"vector":[0.1,0.2,0.3],"payload":{"n":9007199254740993}}]}';
  expect(await parser.parse('upsert', large(text), context)).toEqual(
    await parser.parse('upsert', Buffer.from(text), context),
  );
});

test('a large body is refused with the same error as a small one', async () => {
  const text = '{"points":[{"id":1,"vector":[0.1,0.2]}]}';
  for (const body of [large(text), Buffer.from(text)]) {
    await expect(parser.parse('upsert', body, context)).rejects.toMatchObject({
      code: 'DIMENSION_MISMATCH',
      message: 'points[0].vector has 2 values, the collection has 3 dimensions',
    });
  }
});

test('many large bodies at once each get their own answer', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      parser.parse('search', large(`{"vector":[1,2,${i}],"limit":${i + 1}}`), context),
    ),
  );
  expect(answers.map(({ limit }) => limit)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
});

test('a body in memory that others share is parsed without harm to them', async () => {
  const pool = Buffer.from(JSON.stringify({ vector: [1, 2, 3] }) + ' '.repeat(2 * PARSE_HERE_BYTES_MAX));
  const [body, neighbour] = [
    pool.subarray(0, PARSE_HERE_BYTES_MAX + 10),
    pool.subarray(PARSE_HERE_BYTES_MAX + 10),
  ];
  expect((await parser.parse('search', body, context)).limit).toBe(10);
  expect(neighbour).toHaveLength(pool.length - body.length);
  expect(neighbour.every((byte) => byte === 0x20)).toBe(true);
});

test('a parser that is closed refuses what still waits', async () => {
  const closing = new BodyParser();
  const waiting = Array.from({ length: 3 }, () => closing.parse('count', large('{}'), context));
  const outcomes = Promise.allSettled(waiting);
  await closing.close();
  for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'SHUTTING_DOWN' } });
  await expect(closing.parse('count', large('{}'), context)).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
});
