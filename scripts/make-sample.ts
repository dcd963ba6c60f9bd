/**
 * Cuts the data sets in bench/data out of a larger one: `node scripts/make-sample.ts SOURCE_DIRECTORY`.
 * The source has base.f16.bin, base.jsonl.gz, queries.f16.bin and meta.json (see bench/data/README.md).
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

const SETS = [
  { name: 'sample', from: 0, points: 4_000 },
  { name: 'extension', from: 4_000, points: 16_000 },
] as const;
const QUERIES = 500;

const source = process.argv[2];
if (source === undefined) throw new Error('name the directory of the source data set');
const target = join(import.meta.dirname, '..', 'bench', 'data');
await mkdir(target, { recursive: true });

const meta = JSON.parse(await readFile(join(source, 'meta.json'), 'utf8')) as { dim: number };
const rowBytes = meta.dim * 2;
const vectors = await readFile(join(source, 'base.f16.bin'));
const payloads = gunzipSync(await readFile(join(source, 'base.jsonl.gz')))
  .toString('utf8')
  .split('\n');

for (const set of SETS) {
  const end = set.from + set.points;
  await writeFile(join(target, `${set.name}.f16`), vectors.subarray(set.from * rowBytes, end * rowBytes));
  const lines = `${payloads.slice(set.from, end).join('\n')}\n`;
  await writeFile(join(target, `${set.name}.jsonl.gz`), gzipSync(lines, { level: 9 }));
}
const queries = await readFile(join(source, 'queries.f16.bin'));
await writeFile(join(target, 'queries.f16'), queries.subarray(0, QUERIES * rowBytes));
await writeFile(join(target, 'LICENSE.wordnet.txt'), await readFile(join(source, 'LICENSE.wordnet.txt')));
console.log(`wrote ${SETS.map((set) => set.name).join(', ')} and ${QUERIES} queries to ${target}`);
