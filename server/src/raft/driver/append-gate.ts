import type { Message } from '../core/index.ts';

/** What the driver knows of the disk. */
export interface DiskRoom {
  /** False while the disk is full. */
  hasRoom(): boolean;
  /** Bytes of entries that are appended all the same: what was proposed before the others knew. */
  readonly reserveBytes: number;
}

/**
 * Decides which appends a full disk still takes. A reserve, and every no-op: where a majority is full, a new leader must commit
 * one before it may answer reads, with whatever was proposed before. The others are dropped as if the network had lost them;
 * their leader sends them again until there is room.
 */
export class AppendGate {
  readonly #disk: DiskRoom | undefined;
  #spentBytes = 0;

  constructor(disk: DiskRoom | undefined) {
    this.#disk = disk;
  }

  get hasRoom(): boolean {
    return this.#disk?.hasRoom() ?? true;
  }

  admits(message: Message): boolean {
    if (message.type !== 'append') return true;
    if (this.#disk === undefined || this.#disk.hasRoom()) {
      this.#spentBytes = 0;
      return true;
    }
    const bytes = message.entries.reduce((sum, { data }) => sum + data.length, 0);
    // A no-op has no bytes: it always finds its place.
    if (this.#spentBytes + bytes > this.#disk.reserveBytes) return false;
    this.#spentBytes += bytes;
    return true;
  }
}
