import { join } from 'node:path';
import { copyDisk, restoreDisk, wipe } from '../support/disks.ts';
import { isWhole } from '../support/membership.ts';
import type { World } from './faults.ts';

/**
 * Takes disks away: wiped, or set back to a copy from earlier in the run. One at a time, and the next one only when the
 * cluster is whole again: what a majority of disks has lost nobody can bring back.
 */
export class DiskLosses {
  readonly #world: World;
  readonly #directory: string;
  /** Nodes of which there is a copy. */
  readonly #copies = new Set<string>();
  #count = 0;

  constructor(world: World, directory: string) {
    this.#world = world;
    this.#directory = directory;
  }

  /** What was done to which node; undefined when the cluster cannot bear it now. */
  async next(): Promise<{ readonly fault: string; readonly nodeId: string } | undefined> {
    const { cluster, random } = this.#world;
    if (!(await isWhole(cluster))) return undefined;
    const nodeId = (cluster.nodes[random.int(cluster.nodes.length)] as (typeof cluster.nodes)[number]).nodeId;
    this.#count += 1;
    return this.#count % 2 === 0 ? this.#setBack(nodeId) : this.#wipe(nodeId);
  }

  isRepaired(): Promise<boolean> {
    return isWhole(this.#world.cluster);
  }

  async #wipe(nodeId: string): Promise<{ fault: string; nodeId: string }> {
    const { cluster, start } = this.#world;
    await this.#killAndCopy(nodeId);
    await wipe(cluster, nodeId);
    await start(nodeId);
    return { fault: 'wiped disk', nodeId };
  }

  /** To a copy of the store that it has now, or of one that another has taken the place of since. */
  async #setBack(nodeId: string): Promise<{ fault: string; nodeId: string }> {
    const { cluster, start, random } = this.#world;
    const copied = [...this.#copies];
    const victim = copied[random.int(copied.length)];
    if (victim === undefined) return this.#wipe(nodeId);
    await cluster.stop(victim, 'SIGKILL');
    await restoreDisk(cluster, victim, this.#copyOf(victim));
    await start(victim);
    this.#copies.delete(victim);
    return { fault: 'disk set back', nodeId: victim };
  }

  async #killAndCopy(nodeId: string): Promise<void> {
    const { cluster } = this.#world;
    await cluster.stop(nodeId, 'SIGKILL');
    await copyDisk(cluster, nodeId, this.#copyOf(nodeId));
    this.#copies.add(nodeId);
  }

  #copyOf(nodeId: string): string {
    return join(this.#directory, `copy-${nodeId}`);
  }
}
