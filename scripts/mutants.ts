/**
 * `make mutants`: breaks the rules of replication one at a time, in a copy of the tree, and fails unless the test named
 * for each notices. Writes docs/reference/mutants.md. `--most` tries the ten that matter most and writes nothing; `--check`
 * only looks whether every place is still there (part of `make check`); names of mutants try, and write, only those.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { judgeAll } from './mutants/judge.ts';
import { MOST, MUTANTS } from './mutants/list.ts';
import { differencesOf, tableOf } from './mutants/table.ts';
import { mutated, sourceOf } from './mutants/tree.ts';
import type { Judged, Mutant } from './mutants/types.ts';

const DOCUMENT = join(import.meta.dirname, '..', 'docs', 'reference', 'mutants.md');

const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isMost = process.argv.includes('--most');
checkList();
if (!process.argv.includes('--check')) await tryOut(choose());

async function tryOut(chosen: readonly Mutant[]): Promise<void> {
  const start = performance.now();
  const judged = await judgeAll(chosen, tell);
  const survivors = judged.filter(({ verdict }) => verdict.kind !== 'killed');
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`${judged.length - survivors.length} killed, ${survivors.length} survived, ${seconds} s`);
  if (survivors.length > 0) process.exitCode = 1;
  else if (!isMost) writeFileSync(DOCUMENT, tableOf(MUTANTS, judged, readFileSync(DOCUMENT, 'utf8')));
}

/** Every place is found, every name is used once, and the document lists what there is (a full run writes it anew). */
function checkList(): void {
  for (const mutant of MUTANTS) mutated(mutant, sourceOf(mutant.file));
  const names = MUTANTS.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`two mutants are called ${twice}`);
  if (!isMost && !process.argv.includes('--check')) return;
  const differences = differencesOf(readFileSync(DOCUMENT, 'utf8'), MUTANTS);
  if (differences.length > 0)
    throw new Error(`docs/reference/mutants.md is out of date, run make mutants: ${differences.join(', ')}`);
}

function choose(): readonly Mutant[] {
  const wanted = isMost ? MOST : named;
  if (wanted.length === 0) return MUTANTS;
  return wanted.map((name) => {
    const mutant = MUTANTS.find((one) => one.name === name);
    if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
    return mutant;
  });
}

function tell({ mutant, verdict }: Judged): void {
  if (verdict.kind === 'survived') console.log(`SURVIVED ${mutant.name}: ${verdict.reason}`);
  else
    console.log(
      `killed   ${mutant.name}: ${verdict.by}${verdict.seeds === undefined ? '' : `, seed ${verdict.seeds}`}`,
    );
}
