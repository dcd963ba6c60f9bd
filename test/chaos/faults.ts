import type { Random } from '../../server/src/base/index.ts';
import type { LocalCluster } from '../support/cluster.ts';
import type { NodeClocks } from './clocks.ts';
import type { LinkProxy } from './link-proxy.ts';

export interface World {
  readonly cluster: LocalCluster;
  /** By node id. */
  readonly proxies: ReadonlyMap<string, LinkProxy>;
  readonly start: (nodeId: string) => Promise<void>;
  readonly clocks: NodeClocks;
  readonly random: Random;
}

/** A fault takes hold at once and answers how it ends. */
type Fault = (world: World, victim: string) => Promise<() => Promise<void>>;

const others = ({ cluster }: World, victim: string): string[] =>
  cluster.nodes.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== victim);

/** Both directions live in the proxy of the node that is dialled, so each pair has two links. */
function setLink(world: World, from: string, to: string, mode: 'pass' | 'stall' | 'slow'): void {
  for (const proxy of [world.proxies.get(from), world.proxies.get(to)]) proxy?.set(from, to, mode);
}

function resetLinks(world: World, victim: string): void {
  for (const other of others(world, victim)) {
    world.proxies.get(other)?.reset(victim);
    world.proxies.get(victim)?.reset(other);
  }
}

const links =
  (mode: 'stall' | 'slow', directions: readonly ('in' | 'out')[], endsWithReset: boolean): Fault =>
  (world, victim) => {
    const set = (to: 'pass' | 'stall' | 'slow'): void => {
      for (const other of others(world, victim)) {
        if (directions.includes('in')) setLink(world, other, victim, to);
        if (directions.includes('out')) setLink(world, victim, other, to);
      }
    };
    set(mode);
    return Promise.resolve(() => {
      // Held bytes arrive late, or never.
      if (endsWithReset) resetLinks(world, victim);
      set('pass');
      return Promise.resolve();
    });
  };

const signal = (world: World, victim: string, name: NodeJS.Signals): void => {
  const pid = world.cluster.pid(victim);
  if (pid !== undefined) process.kill(pid, name);
};

export const FAULTS: Readonly<Record<string, Fault>> = {
  kill: async (world, victim) => {
    await world.cluster.stop(victim, 'SIGKILL');
    return () => world.start(victim);
  },
  'kill at once': async (world, victim) => {
    await world.cluster.stop(victim, 'SIGKILL');
    await world.start(victim);
    return () => Promise.resolve();
  },
  pause: (world, victim) => {
    signal(world, victim, 'SIGSTOP');
    return Promise.resolve(() => {
      signal(world, victim, 'SIGCONT');
      return Promise.resolve();
    });
  },
  'clock jump': (world, victim) => {
    const hours = world.random.next() * 4 - 2;
    world.clocks.set(victim, Math.round(hours * 3600));
    return Promise.resolve(() => {
      world.clocks.set(victim, 0);
      return Promise.resolve();
    });
  },
  'cut off': links('stall', ['in', 'out'], true),
  'cut off, then late': links('stall', ['in', 'out'], false),
  'hears nothing': links('stall', ['in'], true),
  'is not heard': links('stall', ['out'], true),
  'is not heard, then late': links('stall', ['out'], false),
  'slow links': links('slow', ['in', 'out'], false),
  'connections reset': (world, victim) => {
    resetLinks(world, victim);
    return Promise.resolve(() => Promise.resolve());
  },
};

/** Nothing may be acknowledged while a majority is gone; everything acknowledged before must be there afterwards. */
export async function killMajority(world: World): Promise<() => Promise<void>> {
  const victims = world.cluster.nodes
    .map(({ nodeId }) => nodeId)
    .slice(0, Math.floor(world.cluster.nodes.length / 2) + 1);
  await Promise.all(victims.map((nodeId) => world.cluster.stop(nodeId, 'SIGKILL')));
  return async () => {
    await Promise.all(victims.map((nodeId) => world.start(nodeId)));
  };
}
