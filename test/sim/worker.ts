import { World } from './world.ts';

// Errors are part of every refused request here, and their stacks a tenth of the time; a replay of the seed has them.
Error.stackTraceLimit = 0;

/** One seed after another, as the parent asks. */
process.on('message', ({ seed, steps }: { readonly seed: number; readonly steps: number }) => {
  void new World(seed, { traceMax: 0 }).run(steps).then((outcome) => process.send?.(outcome));
});
