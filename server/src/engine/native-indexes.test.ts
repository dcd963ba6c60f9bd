import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeIndexes } from './native-indexes.ts';
import type { IndexOptions } from './vector-index-port.ts';

const saved: IndexOptions = {
  dimension: 4,
  metric: 'cosine',
  m: 16,
  efConstruction: 100,
  binaryQuantization: true,
};
const tag = Buffer.from('tag');

let path: string;

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'grape-indexes-')), 'index');
  const index = nativeIndexes.create(saved);
  await index.save(path, tag);
  await index.close();
});

afterEach(() => rm(join(path, '..'), { recursive: true }));

test.each<Partial<IndexOptions>>([
  { dimension: 5 },
  { metric: 'dot' },
  { m: 8 },
  { binaryQuantization: false },
])('a file of another schema is refused: %j', async (changed) => {
  await expect(nativeIndexes.load(path, { ...saved, ...changed })).rejects.toThrow('another schema');
});

test('a file that was linked with another efConstruction is taken', async () => {
  const loaded = await nativeIndexes.load(path, { ...saved, efConstruction: 7 });
  expect(loaded?.tag).toEqual(tag);
  await loaded?.index.close();
});

test('no file is no index', async () => {
  expect(await nativeIndexes.load(`${path}-missing`, saved)).toBeUndefined();
});
