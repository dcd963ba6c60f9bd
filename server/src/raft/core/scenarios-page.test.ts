import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const REPOSITORY = join(__dirname, '..', '..', '..', '..');
const FOLDER = join(__dirname, 'scenarios');

/** Everything that docs/reference/raft-scenarios.md names in its last column. */
const named = readFileSync(join(REPOSITORY, 'docs', 'reference', 'raft-scenarios.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .flatMap((line) =>
    [...(line.split('|').at(-2) ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  );

describe('the page of scenarios', () => {
  it('names every story', () => {
    expect(readdirSync(FOLDER).filter((file) => !named.includes(file))).toEqual([]);
  });

  it('names nothing that is not there', () => {
    const path = (name: string): string => join(name.endsWith('.txt') ? FOLDER : REPOSITORY, name);
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((name) => !existsSync(path(name)))).toEqual([]);
  });
});
