/** A copy of the repository's sources that may be broken: the tree itself is never touched. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mutant } from './types.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');
/** What the tests need, changeable; dependencies and the built addon are only linked. */
const COPIED = [
  'package.json',
  'jest.config.js',
  'tsconfig.base.json',
  'server/package.json',
  'server/src',
  'test',
];
const LINKED = ['node_modules', 'server/native'];

export class Tree {
  readonly root: string;

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), 'grape-mutants-'));
    for (const path of COPIED) cpSync(join(REPOSITORY, path), join(this.root, path), { recursive: true });
    for (const path of LINKED) symlinkSync(join(REPOSITORY, path), join(this.root, path));
  }

  /** Runs `work` while the mutant is in the code. */
  async broken<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const path = join(this.root, mutant.file);
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, mutated(mutant, whole));
    try {
      return await work();
    } finally {
      writeFileSync(path, whole);
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The text of a file of the repository. */
export function sourceOf(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8');
}

/** `text` with the mutant in it; throws when the place is not found exactly once, or nothing would change. */
export function mutated({ name, file, find, replace }: Mutant, text: string): string {
  const times = text.split(find).length - 1;
  if (times !== 1) throw new Error(`mutant ${name}: its text occurs ${times} times in ${file}, not once`);
  if (find === replace) throw new Error(`mutant ${name} changes nothing`);
  return text.replace(find, () => replace);
}
