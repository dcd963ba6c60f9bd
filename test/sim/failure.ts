import { type Outcome, World } from './world.ts';

const TRACE_LINES = 60;

/**
 * A failure as somebody can read it: the seed, the shortest run under faults that still fails, and what happened last. A
 * broken rule shows at its step; when a healed cluster does not become whole, fewer and fewer steps are tried.
 */
export async function describeFailure(failed: Outcome, steps: number): Promise<string[]> {
  const { seed, failure } = failed;
  if (failure === undefined) return [];
  const shortest = failure.step <= steps ? failure.step : await shortestFailing(seed, steps);
  const again = await new World(seed, { traceMax: TRACE_LINES }).run(shortest);
  return [
    `sim: SEED=${seed} STEPS=${shortest} fails: ${again.failure?.message ?? failure.message}`,
    ...(again.failure?.trace ?? []),
  ];
}

/** Halves the distance; a shorter run that is well by accident ends the search earlier, never wrongly. */
async function shortestFailing(seed: number, steps: number): Promise<number> {
  let fails = steps;
  let well = 0;
  while (fails - well > 50) {
    const middle = Math.floor((fails + well) / 2);
    const { failure } = await new World(seed, { traceMax: 0 }).run(middle);
    if (failure === undefined) well = middle;
    else fails = middle;
  }
  return fails;
}
