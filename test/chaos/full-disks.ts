import { mountRefusal, SmallDisk } from '../support/small-disk.ts';
import { dataOf } from '../support/disks.ts';
import type { World } from './faults.ts';

const DISK_MB = 400;
const SOFT_MB = 120;
const HARD_MB = 80;
/** Its node looks at the room once a second; others hear of it with the next report. */
export const NOTICED_MS = 2_500;

/** Of the node on the small disk. */
export const SMALL_DISK_LIMITS = {
  'storage.write_buffer_size_mb': 4,
  'storage.disk_soft_limit_mb': SOFT_MB,
  'storage.disk_hard_limit_mb': HARD_MB,
  'storage.disk_ballast_mb': 8,
};

const LEFT_MB = {
  'disk almost full': (SOFT_MB + HARD_MB) / 2,
  'disk full': HARD_MB / 2,
  'disk without a byte': 0,
};
type DiskFault = keyof typeof LEFT_MB;
export const DISK_FAULTS = Object.keys(LEFT_MB) as readonly DiskFault[];

/** One node lives on a file system of its own, which somebody else fills. */
export class FullDisks {
  readonly nodeId: string;
  readonly #disk: SmallDisk;
  #count = 0;

  private constructor(nodeId: string, disk: SmallDisk) {
    this.nodeId = nodeId;
    this.#disk = disk;
  }

  /** Before the node is started; undefined where nothing can be mounted, which it says. */
  static async mount(cluster: World['cluster'], nodeId: string): Promise<FullDisks | undefined> {
    const refusal = mountRefusal();
    if (refusal !== undefined) {
      process.stderr.write(
        `chaos: no file system can be mounted here, full disks are left out: ${refusal}\n`,
      );
      return undefined;
    }
    return new FullDisks(nodeId, await SmallDisk.mount(dataOf(cluster, nodeId), DISK_MB));
  }

  /** Takes hold at once; answers how it ends. */
  async next(world: World): Promise<{ readonly fault: DiskFault; readonly end: () => Promise<void> }> {
    const fault = DISK_FAULTS[this.#count % DISK_FAULTS.length] as DiskFault;
    this.#count += 1;
    await this.#disk.fillTo(LEFT_MB[fault]);
    return { fault, end: () => this.#end(world) };
  }

  async #end({ cluster, start }: World): Promise<void> {
    await this.#disk.makeRoom();
    // A failed write ends the process: the machine's supervisor would start it again.
    if (!cluster.isRunning(this.nodeId)) await start(this.nodeId);
  }

  /** When its node has ended. */
  unmount(): void {
    this.#disk.unmount();
  }
}
