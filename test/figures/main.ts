/** `make bench-raft`: figures of the consensus layer, printed and written to docs/reference/raft.md. */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { commitsPerSecond, type Latency, latency } from './commits.ts';
import { coreStepsPerSecond } from './core-steps.ts';
import { failovers, gracefulTransfers } from './handover.ts';
import { readTimes } from './reads.ts';
import { median, Rig } from './rig.ts';

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'raft.md');
const MS = Number(process.env['MS'] ?? 3_000);
const KILLS = Number(process.env['KILLS'] ?? 50);
const LATENCY_ROUNDS = 400;
const READ_RUNS = 40;
const IN_FLIGHT = [1, 16, 256];
const BOUNDS = {
  coreSteps: 300_000,
  ratioOfOne: 2.5,
  ratioOfThree: 5,
  failoverMedianMs: 2_000,
  failoverWorstMs: 5_000,
};

const lines: string[] = [];
const missed: string[] = [];

const load = loadavg()[0] ?? 0;
say('# Raft: figures', '');
say(
  'Made by `make bench-raft` on one machine; compare ratios, not times. Three nodes run in one process over sockets on',
);
say(
  'loopback and share one disk, so that every entry is written three times by the same processors and the same disk.',
  '',
);
say(
  `- ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} processors, load ${load.toFixed(1)} at the start, Node.js ${process.version}`,
  '',
);
await throughput();
await latencies();
await reads();
core();
await handovers();
const verdict = missed.length === 0 ? 'All bounds are kept.' : `Missed: ${missed.join('; ')}.`;
say('', verdict);
if (process.env['WRITE'] !== '0') writeFileSync(PAGE, `${lines.join('\n')}\n`);
process.exitCode = missed.length === 0 ? 0 : 1;

async function throughput(): Promise<void> {
  say('## Commits per second, entries of 3 KB', '');
  say(
    `| proposals in flight | ${IN_FLIGHT.join(' | ')} |`,
    `| --- | ${IN_FLIGHT.map(() => '---').join(' | ')} |`,
  );
  for (const nodes of [1, 3]) {
    for (const groups of [1, 17]) {
      const rig = await Rig.start({ nodes, groups });
      const rates: number[] = [];
      for (const inFlight of IN_FLIGHT) rates.push(await commitsPerSecond(rig, inFlight, MS));
      await rig.close();
      const name = `${nodes === 1 ? 'one node' : 'three nodes'}, ${groups === 1 ? 'one group' : `${groups} groups`}`;
      say(`| ${name} | ${rates.map((rate) => Math.round(rate)).join(' | ')} |`);
    }
  }
  say('');
}

async function latencies(): Promise<void> {
  say('## One commit against one synced put of 3 KB, in turn on the same disk', '');
  say('| | put | commit | ratio | bound |', '| --- | --- | --- | --- | --- |');
  const show = (name: string, { putMs, commitMs, ratio }: Latency, bound: number): void => {
    say(`| ${name} | ${putMs.toFixed(2)} ms | ${commitMs.toFixed(2)} ms | ${ratio.toFixed(2)} | ${bound} |`);
    check(ratio <= bound, `the latency on ${name}`);
  };
  show('one node', await latency(1, LATENCY_ROUNDS), BOUNDS.ratioOfOne);
  show('three nodes', await latency(3, LATENCY_ROUNDS), BOUNDS.ratioOfThree);
  say('');
}

async function reads(): Promise<void> {
  const { roundMs, leaseMs } = await readTimes(READ_RUNS);
  say('## One strong read at the leader of three nodes, in turn', '');
  say(
    `${roundMs.toFixed(3)} ms by a round of heartbeats, ${leaseMs.toFixed(3)} ms by a lease (\`lease_reads\`): ${(roundMs / leaseMs).toFixed(1)} times as fast.`,
    '',
  );
}

function core(): void {
  coreStepsPerSecond(MS / 3);
  const rate = coreStepsPerSecond(MS);
  say('## The bare core', '');
  say(
    `${Math.round(rate / 1000)} thousand steps per second (bound: ${BOUNDS.coreSteps / 1000} thousand).`,
    '',
  );
  check(rate >= BOUNDS.coreSteps, 'the steps of the core');
}

async function handovers(): Promise<void> {
  const times = await failovers(KILLS);
  const worst = Math.max(...times);
  say(`## Leaders that go, with an election timeout of 1000 ms and heartbeats of 250 ms`, '');
  say(
    `${KILLS} kills of the node that led most of 17 groups, ${times.length} groups without a leader: a new one after`,
  );
  say(
    `${Math.round(median(times))} ms (median; bound ${BOUNDS.failoverMedianMs}), ${Math.round(percentile(times, 0.95))} ms (95 %), ${Math.round(worst)} ms (worst; bound ${BOUNDS.failoverWorstMs}).`,
    '',
  );
  check(median(times) < BOUNDS.failoverMedianMs, 'the median of failovers');
  check(worst < BOUNDS.failoverWorstMs, 'the worst failover');
  const { transfers, requests, refused } = await gracefulTransfers(50);
  say(`${transfers} transfers of leadership under load: ${requests} requests, ${refused} refused (bound 0).`);
  check(refused === 0, 'requests refused in transfers');
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function check(isKept: boolean, what: string): void {
  if (!isKept) missed.push(what);
}

function say(...texts: readonly string[]): void {
  for (const text of texts) {
    lines.push(text);
    process.stdout.write(`${text}\n`);
  }
}
