/**
 * Seeds that once failed, with what was wrong; every run begins with them. A seed names a run of the simulator as it was: when
 * the simulator draws something else, the seed does too. Take the fix back, look for a seed that fails again, and put it here.
 */
export const REGRESSIONS: readonly { readonly seed: number; readonly was: string }[] = [
  {
    seed: 34,
    was: 'the applied state was durable before the configuration: after a crash the change that leaves a joint one met one that was not',
  },
  {
    seed: 49,
    was: 'the applied state was durable before the configuration: after a crash a replica was left in a joint one for ever',
  },
  { seed: 96, was: 'the same: the change that leaves a joint configuration met one that was not joint' },
  {
    seed: 147,
    was: 'the applied state was durable before the configuration (as 34, since the simulator draws membership changes anew)',
  },
  {
    seed: 14,
    was: 'giving a log to another replica waited for ever, without a pause, behind a write that had failed',
  },
  {
    seed: 54,
    was: 'a log that was damaged before its replacement had begun was started as that of the new replica, and never replaced',
  },
  {
    seed: 2016,
    was: 'a store whose sequence had become unreadable counted anew, below its floor: the replacements of its replicas were lost at the next start',
  },
];
