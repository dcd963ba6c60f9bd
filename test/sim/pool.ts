import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Outcome } from './world.ts';

/** Runs seeds in child processes, one at a time in each, until `next` has none; resolves when all have ended. */
export async function runPool(o: {
  readonly processes: number;
  readonly steps: number;
  readonly next: () => number | undefined;
  readonly onOutcome: (outcome: Outcome) => void;
}): Promise<void> {
  await Promise.all(Array.from({ length: o.processes }, () => runProcess(o)));
}

async function runProcess(o: Parameters<typeof runPool>[0]): Promise<void> {
  const child = fork(join(import.meta.dirname, 'worker.ts'), { stdio: 'inherit' });
  try {
    for (let seed = o.next(); seed !== undefined; seed = o.next()) {
      o.onOutcome(await askFor(child, { seed, steps: o.steps }));
    }
  } finally {
    child.disconnect();
  }
}

function askFor(
  child: ChildProcess,
  job: { readonly seed: number; readonly steps: number },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`the process of seed ${job.seed} ended with ${String(code)}`));
    child.once('exit', onExit);
    child.once('message', (outcome) => {
      child.off('exit', onExit);
      resolve(outcome as Outcome);
    });
    child.send(job);
  });
}
