import { World } from './world.ts';

/** One seed after another, as the parent asks. */
process.on('message', ({ seed, steps }: { readonly seed: number; readonly steps: number }) => {
  void new World(seed, { traceMax: 0 }).run(steps).then((outcome) => process.send?.(outcome));
});
