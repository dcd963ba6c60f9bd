/**
 * `make test`: runs every suite and ends with `N passed, N failed` over all of them. Exit code 1 when any failed, or
 * when a suite ran nothing. `--full` adds the long suites; other arguments name the suites to run.
 */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Totals {
  passed: number;
  failed: number;
}

interface Suite {
  readonly name: string;
  readonly long?: boolean;
  readonly run: () => Promise<Totals>;
}

const SUITES: readonly Suite[] = [
  { name: 'unit', run: () => jest('unit') },
  { name: 'contract', run: () => jest('contract') },
  // Ten rules broken on purpose; `make mutants` breaks them all.
  { name: 'mutants', run: () => script('scripts/mutants.ts', 'node', '--most') },
  { name: 'native-stress', run: () => script('scripts/test-native-stress.sh') },
  { name: 'native-asan', run: () => script('scripts/test-native-asan.sh') },
  { name: 'integration', run: () => jest('integration', '--runInBand') },
  { name: 'sim', run: () => script('test/sim/run.sh') },
  { name: 'chaos', run: () => script('test/chaos/run.sh') },
  { name: 'full', long: true, run: () => jest('full', '--runInBand') },
];

const arguments_ = process.argv.slice(2);
const named = arguments_.filter((argument) => !argument.startsWith('--'));
const chosen = SUITES.filter((suite) =>
  named.length > 0 ? named.includes(suite.name) : suite.long !== true || arguments_.includes('--full'),
);
if (chosen.length === 0) throw new Error(`choose from: ${SUITES.map((suite) => suite.name).join(', ')}`);

const total: Totals = { passed: 0, failed: 0 };
for (const suite of chosen) {
  const start = performance.now();
  console.log(`== ${suite.name}`);
  const result = await suite.run();
  total.passed += result.passed;
  total.failed += result.failed;
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`== ${suite.name}: ${result.passed} ok, ${result.failed} not ok, ${seconds} s`);
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

async function jest(project: string, ...options: string[]): Promise<Totals> {
  const report = join(tmpdir(), `grape-jest-${project}-${process.pid}.json`);
  const code = await command('jest', [
    '--selectProjects',
    project,
    '--json',
    `--outputFile=${report}`,
    ...options,
  ]);
  const text = await readFile(report, 'utf8').catch(() => undefined);
  await rm(report, { force: true });
  if (text === undefined) return { passed: 0, failed: 1 };
  const result = JSON.parse(text) as {
    numPassedTests: number;
    numFailedTests: number;
    numRuntimeErrorTestSuites: number;
  };
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  const ranNothing = result.numPassedTests === 0 && failed === 0;
  return { passed: result.numPassedTests, failed: ranNothing || (code !== 0 && failed === 0) ? 1 : failed };
}

/** A script is one test unless it prints totals of its own. */
async function script(path: string, interpreter = 'bash', ...options: string[]): Promise<Totals> {
  const code = await command(interpreter, [path, ...options]);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function command(name: string, args: readonly string[]): Promise<number | null> {
  return new Promise((resolve, reject) => {
    // jest prints its JSON report to standard output too when asked for --json; only its log is of interest.
    const quiet = args.includes('--json');
    const child = spawn(name, args, { stdio: ['ignore', quiet ? 'ignore' : 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', resolve);
  });
}
