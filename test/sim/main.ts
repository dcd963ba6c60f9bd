/** `make sim`: clusters in virtual time, one for each seed (CONTRIBUTING.md, "Tests"). */
import { availableParallelism } from 'node:os';
import { describeFailure } from './failure.ts';
import { runPool } from './pool.ts';
import { REGRESSIONS } from './regressions.ts';
import { Totals } from './totals.ts';
import { type Outcome, World } from './world.ts';

/** Steps under faults of one seed; then it is healed and must become whole. */
const STEPS = 20_000;
/** After so many failures there is enough to look at. */
const FAILURES_MAX = 5;
/** In so many seeds everything that can happen has happened. */
const SEEDS_FOR_ALL = 200;

const steps = numberFrom('STEPS', STEPS);
process.exitCode = process.env['SEED'] === undefined ? await search() : await replay(numberFrom('SEED', 0));

/** One seed, with everything that happened in it. */
async function replay(seed: number): Promise<number> {
  const outcome = await new World(seed, { traceMax: 1, print: say }).run(steps);
  say(`sim: SEED=${seed}: ${JSON.stringify(outcome.counts)}`);
  if (outcome.failure !== undefined) say(`sim: fails: ${outcome.failure.message}`);
  return outcome.failure === undefined ? 0 : 1;
}

/** The seeds that once failed, then new ones, in as many processes as there are processors. */
async function search(): Promise<number> {
  const untilMs = performance.now() + numberFrom('MINUTES', 1) * 60_000;
  const first = numberFrom('FIRST', Math.floor(Math.random() * 2 ** 31));
  const most = numberFrom('SEEDS', Number.MAX_SAFE_INTEGER);
  say(`sim: ${REGRESSIONS.length} seeds that once failed, then ${first} and up`);
  const failuresMax = numberFrom('FAILURES', FAILURES_MAX);
  const totals = new Totals();
  const failures: Outcome[] = [];
  let given = 0;
  const next = (): number | undefined => {
    const isOver = given >= most || performance.now() > untilMs || failures.length >= failuresMax;
    if (isOver && given >= REGRESSIONS.length) return undefined;
    given += 1;
    return REGRESSIONS[given - 1]?.seed ?? first + given - REGRESSIONS.length - 1;
  };
  const onOutcome = (outcome: Outcome): void => {
    totals.add(outcome);
    if (outcome.failure === undefined) return;
    if (failures.length === 0) say(`sim: seeds needed: ${totals.seeds}`);
    failures.push(outcome);
  };
  await runPool({ processes: availableParallelism(), steps, next, onOutcome });
  return judge(totals, failures);
}

async function judge(totals: Totals, failures: readonly Outcome[]): Promise<number> {
  for (const failed of failures) for (const line of await describeFailure(failed, steps)) say(line);
  for (const line of totals.lines()) say(line);
  // Again at the end, where whoever sees the last lines alone finds them.
  for (const { seed, failure } of failures) say(`sim: SEED=${seed} fails: ${failure?.message ?? ''}`);
  const missing = totals.seeds < SEEDS_FOR_ALL ? [] : totals.missing;
  if (missing.length > 0) say(`sim: never happened: ${missing.join(', ')}`);
  const least = numberFrom('LEAST', 0);
  if (totals.seeds < least) say(`sim: at least ${least} seeds are wanted in the time`);
  const isWell = failures.length === 0 && missing.length === 0 && totals.seeds >= least;
  say(isWell ? 'sim: nothing was wrong' : 'sim: FAILED');
  return isWell ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function numberFrom(name: string, absent: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return absent;
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0) return number;
  say(`sim: ${name} is ${text}: a number is needed`);
  process.exit(2);
}
