import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const REPOSITORY = join(__dirname, '..', '..', '..', '..');
const FOLDER = join(__dirname, 'scenarios');

const read = (page: string): string => readFileSync(join(REPOSITORY, 'docs', 'reference', page), 'utf8');

/** Everything that docs/reference/raft-scenarios.md names in its last column. */
const named = read('raft-scenarios.md')
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

  it('names mutants that are killed, for each of the ten rules of durability', () => {
    const [, section = ''] = read('raft-scenarios.md').split('## What is durable before what leaves');
    const rules = section
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .slice(1);
    const mutants = rules.map((line) =>
      [...(line.split('|').at(2) ?? '').matchAll(/`([^`]+)`/g)].map(([, id]) => id),
    );
    expect(mutants.map(({ length }) => length > 0)).toEqual(Array.from({ length: 10 }, () => true));
    const killed = read('mutants.md');
    expect(mutants.flat().filter((id) => !killed.includes(`| \`${String(id)}\` |`))).toEqual([]);
  });
});
