import type { World } from './world.ts';

const KEYS = 6;
/** Requests that wait at one time. */
const WAITING_MAX = 64;

/** Writes and strong reads through any node, at any time. */
export class Clients {
  readonly #world: World;
  #count = 0;
  #waiting = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  begin(): void {
    const { events, random, faults } = this.#world;
    const next = (): void => {
      if (faults.isHealed) return;
      if (this.#waiting < WAITING_MAX) this.#request();
      events.after(random.next() * 12, next);
    };
    next();
  }

  /**
   * A write of an earlier leader may be in no log any more: its fate is known when another entry takes its place. So a few
   * writes go to every group, and again as long as somebody waits.
   */
  writeAfterAll(): void {
    const { events, nodes, swarm } = this.#world;
    const next = (): void => {
      for (let group = 0; group < swarm.groups; group += 1) {
        for (const { running } of nodes) {
          if (running?.host.groups().includes(group) !== true || !running.host.status(group).isLeader)
            continue;
          for (let at = 0; at < 3; at += 1) this.#put(running, group, 'last');
        }
      }
      events.after(5_000, () => {
        if (this.isWaiting) next();
      });
    };
    events.after(2_000, next);
  }

  #request(): void {
    const { random, nodes, swarm, faults } = this.#world;
    const node = nodes[random.int(nodes.length)];
    // Nobody takes requests while the process stands still.
    if (node === undefined || faults.isPaused(node)) return;
    const group = random.int(swarm.groups);
    const key = `k${random.int(KEYS)}`;
    const { running } = node;
    if (!running?.host.groups().includes(group)) return;
    if (random.next() < 0.6) this.#put(running, group, key);
    else this.#read(running, group, key);
  }

  #put(running: NonNullable<World['nodes'][number]['running']>, group: number, key: string): void {
    const { oracle } = this.#world;
    const data = `${key}=${(this.#count += 1)}`;
    const { promise } = running.host.propose(group, Buffer.from(data, 'latin1'));
    this.#track(running, promise, ({ index }) => oracle.acknowledged(group, index, data));
  }

  #read(running: NonNullable<World['nodes'][number]['running']>, group: number, key: string): void {
    const { oracle } = this.#world;
    const atLeast = oracle.newest(group, key);
    const applied = oracle.newestApplied(group);
    this.#track(running, running.host.readBarrier(group), (barrier) => {
      oracle.readAt(group, { atLeast: applied, barrier, applied: running.machine.applied(group) });
      const index = running.machine.read(group, key)?.index ?? 0;
      oracle.read(group, key, { index, atLeast });
    });
  }

  /** A refusal or an unknown outcome says nothing; nor does what a process had in hand when it died. */
  #track<T>(
    running: NonNullable<World['nodes'][number]['running']>,
    promise: Promise<T>,
    check: (value: T) => void,
  ): void {
    this.#waiting += 1;
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#waiting -= 1;
      forget();
    };
    const forget = running.onEnd(close);
    promise.then(
      (value) => {
        close();
        if (!running.disk.isDead) this.#world.guard(() => check(value));
      },
      () => close(),
    );
  }
}
