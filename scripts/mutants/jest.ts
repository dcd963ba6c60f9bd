import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface TestOutcome {
  readonly name: string;
  readonly isPassed: boolean;
  /** The first failure, empty when it passed. */
  readonly failure: string;
}

/** Long enough for a loaded machine; a run that takes longer does not end. */
const RUN_MS_MAX = 120_000;

interface JestReport {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

/**
 * Runs the tests of one file whose names hold one of `names`, in the tree at `root`. Throws when the file cannot be run
 * at all: a mutant that does not even load proves nothing about the tests.
 */
export async function runTests(
  root: string,
  file: string,
  names: readonly string[],
): Promise<readonly TestOutcome[]> {
  const report = join(root, 'report.json');
  await rm(report, { force: true });
  const pattern = names.map(escaped).join('|');
  const output = await jest(root, [
    '--selectProjects',
    file.startsWith('test/contract/') ? 'contract' : 'unit',
    '--runInBand',
    // What a broken transport leaves open must not hold up the end.
    '--forceExit',
    '--testTimeout=60000',
    `--outputFile=${report}`,
    '--json',
    '-t',
    pattern,
    '--runTestsByPath',
    file,
  ]);
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) throw new Error(`${file} could not be run: ${output}`);
  const { testResults } = JSON.parse(text) as JestReport;
  const broken = testResults.find(({ assertionResults }) => assertionResults.length === 0);
  if (broken !== undefined || testResults.length === 0)
    throw new Error(`${file} does not load: ${broken?.message ?? output}`);
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed' || status === 'failed')
    .map(({ fullName, status, failureMessages }) => ({
      name: fullName,
      isPassed: status === 'passed',
      failure: (failureMessages ?? []).join('\n'),
    }));
}

/** Resolves with the end of what jest said. */
function jest(root: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const bin = join(root, 'node_modules', '.bin', 'jest');
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: RUN_MS_MAX,
      killSignal: 'SIGKILL',
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
    child.once('error', reject);
    child.once('close', (_code, signal) => {
      if (signal === null) resolve(said);
      else reject(new Error(`the tests did not end within ${RUN_MS_MAX / 1000} s`));
    });
  });
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
