/** Asked for and not run yet, by whatever the simulator runs. */
let waiting = 0;
const later = globalThis.setImmediate;

/** So that it is known when nothing is left to run: going round the event loop to be sure costs more than a step. */
globalThis.setImmediate = ((callback: (...values: unknown[]) => void, ...values: unknown[]) => {
  waiting += 1;
  return later(() => {
    waiting -= 1;
    callback(...values);
  });
}) as typeof setImmediate;

/** Everything that was set off has run: microtasks, and the turns of the hosts that follow from each other. */
export async function settled(): Promise<void> {
  do {
    await new Promise<void>((resolve) => later(resolve));
  } while (waiting > 0);
}
