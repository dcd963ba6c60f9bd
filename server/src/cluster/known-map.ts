import type { ClusterMap } from './types.ts';

/**
 * The newest map that this node has seen: the one that its replica of `meta` has applied, or one that another member has
 * shown. Every map was committed, so a newer one is right wherever it comes from. A node that was away needs it to know
 * whom to talk to: the stores and addresses of the others, `meta` included, may have changed.
 */
export class KnownMap {
  #map: ClusterMap | undefined;
  readonly #listeners: ((map: ClusterMap) => void)[] = [];

  get map(): ClusterMap | undefined {
    return this.#map;
  }

  /** Keeps it unless one at least as new, or of another cluster, is known. */
  learn(map: ClusterMap): void {
    if (this.#map !== undefined) {
      if (this.#map.clusterId !== map.clusterId || this.#map.version >= map.version) return;
    }
    this.#map = map;
    for (const listener of this.#listeners) listener(map);
  }

  /** Called after every change. */
  onChange(listener: (map: ClusterMap) => void): void {
    this.#listeners.push(listener);
  }
}
