import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_METRICS, RAFT_METRICS } from '../../server/src/observability/metric-table.ts';

const ROOT = join(__dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'guides', 'faults.md'), 'utf8');
const named = (pattern: RegExp): string[] => [
  ...new Set([...page.matchAll(pattern)].map(([, name = '']) => name)),
];

describe('the page of faults names', () => {
  test('metrics that exist', () => {
    const metrics = named(/`(grape_\w+)/g);
    expect(metrics.length).toBeGreaterThan(10);
    expect(metrics.filter((name) => !(name in NODE_METRICS) && !(name in RAFT_METRICS))).toEqual([]);
  });

  test('tests that exist', () => {
    const files = named(/`((?:test|server)\/[\w/.-]+\.test\.ts)`/g);
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  test('log lines that somebody writes', () => {
    const lines = named(/`((?:the|a|handing|lost|cannot|refused) [a-z][a-z ,:']{12,}[a-z])`/g);
    expect(lines.length).toBeGreaterThan(8);
    const files = globSync('server/src/**/*.ts', { cwd: ROOT });
    const sources = files.map((file) => readFileSync(join(ROOT, file), 'utf8')).join();
    expect(lines.filter((line) => !sources.includes(line))).toEqual([]);
  });
});
