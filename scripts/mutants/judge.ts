import { runTests, type TestOutcome } from './jest.ts';
import { Tree } from './tree.ts';
import type { Judged, Mutant, Verdict } from './types.ts';

/** Mutants tried at the same time, each in a tree of its own. */
const WORKERS = 2;

/** Tries every mutant, in any order; throws when a test fails without one. `tell` hears of each as it is decided. */
export async function judgeAll(
  mutants: readonly Mutant[],
  tell: (judged: Judged) => void,
): Promise<readonly Judged[]> {
  const trees = Array.from({ length: WORKERS }, () => new Tree());
  try {
    await inParallel(trees, [...byTestFile(mutants)], checkUnbroken);
    const judged = new Map<Mutant, Judged>();
    await inParallel(trees, mutants, async (tree, mutant) => {
      // A mutant that does not load, or makes the tests hang, proves nothing: it counts as one that survived.
      const verdict = await tree
        .broken(mutant, () => verdictOn(tree, mutant))
        .catch((error: unknown): Verdict => ({ kind: 'survived', reason: String(error) }));
      const result = { mutant, verdict };
      judged.set(mutant, result);
      tell(result);
    });
    return mutants.map((mutant) => judged.get(mutant)).filter((result) => result !== undefined);
  } finally {
    for (const tree of trees) tree.remove();
  }
}

/** A test that fails anyway kills nothing. */
async function checkUnbroken(
  tree: Tree,
  [file, mutants]: readonly [string, readonly Mutant[]],
): Promise<void> {
  const outcomes = await runTests(
    tree.root,
    file,
    mutants.map(({ killer }) => killer.test),
  );
  for (const { name, killer } of mutants) {
    const named = outcomes.filter((outcome) => outcome.name.includes(killer.test));
    if (named.length === 0) throw new Error(`mutant ${name}: ${file} has no test '${killer.test}'`);
    const failed = named.find(({ isPassed }) => !isPassed);
    if (failed !== undefined)
      throw new Error(`${file}: '${failed.name}' fails without any mutant:\n${failed.failure}`);
  }
}

async function verdictOn(tree: Tree, { killer }: Mutant): Promise<Verdict> {
  const outcomes = await runTests(tree.root, killer.file, [killer.test]);
  const failed = outcomes.find(({ name, isPassed }) => !isPassed && name.includes(killer.test));
  if (failed === undefined) return { kind: 'survived', reason: `'${killer.test}' passes` };
  if (killer.seedsMax === undefined) return { kind: 'killed', by: failed.name, seeds: undefined };
  return withinSeeds(failed, killer.seedsMax);
}

function withinSeeds({ name, failure }: TestOutcome, seedsMax: number): Verdict {
  const seeds = Number(/\bseed (\d+)/.exec(failure)?.[1] ?? Number.NaN);
  if (!(seeds <= seedsMax)) return { kind: 'survived', reason: `it took ${seeds} seeds, not ${seedsMax}` };
  return { kind: 'killed', by: name, seeds };
}

function byTestFile(mutants: readonly Mutant[]): Map<string, Mutant[]> {
  return Map.groupBy(mutants, ({ killer }) => killer.file);
}

/** Every tree works on the next item until none is left. */
async function inParallel<T>(
  trees: readonly Tree[],
  items: readonly T[],
  work: (tree: Tree, item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  await Promise.all(
    trees.map(async (tree) => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(tree, item);
    }),
  );
}
