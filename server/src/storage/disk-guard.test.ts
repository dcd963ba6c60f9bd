import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../base/index.ts';
import { DiskGuard, type DiskRoom } from './disk-guard.ts';
import { roomToStart } from './room-to-start.ts';

const KIB = 1024;
const LIMITS = { softBytes: 1000 * KIB, hardBytes: 400 * KIB, ballastBytes: 300 * KIB };

/** A disk of our own in a real directory: what the ballast takes is not free. */
class World {
  readonly clock = new FakeClock();
  readonly states: string[] = [];
  readonly errors: Error[] = [];
  /** Bytes that the disk has for us, the ballast included. */
  roomBytes = 10_000 * KIB;
  fails = false;
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  readonly space = async () => {
    if (this.fails) throw new Error('gone');
    return { sizeBytes: 20_000 * KIB, freeBytes: this.roomBytes - (await this.ballast()) };
  };

  async ballast(): Promise<number> {
    for (;;) {
      const names = await readdir(this.path);
      const found = await Promise.all(
        names.map((name) => stat(join(this.path, name)).catch(() => undefined)),
      );
      // A file got its name between the two: another look has it once.
      if (found.includes(undefined)) continue;
      return found.reduce((sum, file) => sum + (file?.size ?? 0), 0);
    }
  }

  open(): Promise<DiskGuard> {
    return DiskGuard.open({
      path: this.path,
      limits: LIMITS,
      clock: this.clock,
      space: this.space,
      onChange: ({ state }: DiskRoom) => this.states.push(state),
      onError: (error) => this.errors.push(error),
    });
  }

  async look(guard: DiskGuard, roomBytes: number): Promise<void> {
    this.roomBytes = roomBytes;
    this.clock.advance(1000);
    await guard.check();
  }
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('waited in vain');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

let world: World;

beforeEach(async () => {
  world = new World(await mkdtemp(join(tmpdir(), 'grape-disk-')));
});

afterEach(() => rm(world.path, { recursive: true }));

describe('a disk that is watched', () => {
  test('gets a ballast of real bytes, which is found again', async () => {
    const guard = await world.open();
    await until(() => guard.room.ballastBytes === LIMITS.ballastBytes);
    await until(async () => (await readdir(world.path)).join() === 'ballast');
    const { size, blocks } = await stat(join(world.path, 'ballast'));
    expect(size).toBe(LIMITS.ballastBytes);
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
    await guard.close();
    const again = await world.open();
    expect(again.room.ballastBytes).toBe(LIMITS.ballastBytes);
    await again.close();
  });

  test('goes through its states, each told once', async () => {
    const guard = await world.open();
    await until(async () => (await world.ballast()) === LIMITS.ballastBytes);
    for (const roomKib of [5000, 1299, 1299, 699, 699, 799, 1500, 1551, 5000])
      await world.look(guard, roomKib * KIB);
    // Below 1,300 and 700 (limits and ballast); again above 1.25 times the limits and the ballast.
    expect(world.states).toEqual(['low', 'full', 'low', 'ok']);
    expect(world.errors).toEqual([]);
    await guard.close();
  });

  test('has the room of the ballast when it is full, which does not count as room', async () => {
    const guard = await world.open();
    await until(async () => (await world.ballast()) === LIMITS.ballastBytes);
    await world.look(guard, 600 * KIB);
    expect(await world.ballast()).toBe(0);
    expect(guard.room).toMatchObject({ state: 'full', availableBytes: 300 * KIB, ballastBytes: 0 });
    await world.look(guard, 600 * KIB);
    expect(guard.state).toBe('full');
    await world.look(guard, 900 * KIB);
    expect(guard.state).toBe('low');
    expect(await world.ballast()).toBe(0);
    await world.look(guard, 9000 * KIB);
    expect(guard.state).toBe('ok');
    await until(async () => (await world.ballast()) === LIMITS.ballastBytes);
    await guard.close();
  });

  test('is full from the first moment on when it was at the start', async () => {
    world.roomBytes = 500 * KIB;
    const guard = await world.open();
    expect(guard.state).toBe('full');
    expect(world.states).toEqual(['full']);
    await guard.close();
  });

  test('that cannot be looked at keeps its state and is tried again', async () => {
    const guard = await world.open();
    await world.look(guard, 1200 * KIB);
    world.fails = true;
    await world.look(guard, 9000 * KIB);
    expect(world.errors.map(({ message }) => message)).toEqual(['gone']);
    expect(guard.state).toBe('low');
    world.fails = false;
    await world.look(guard, 9000 * KIB);
    expect(guard.state).toBe('ok');
    await guard.close();
  });
});

describe('a start', () => {
  const start = (onWaiting = jest.fn()): Promise<void> =>
    roomToStart({ dataDir: world.path, limits: LIMITS, clock: world.clock, space: world.space, onWaiting });

  test('takes the room of the ballast when there is no other', async () => {
    await writeFile(join(world.path, 'ballast'), Buffer.alloc(LIMITS.ballastBytes, 1));
    world.roomBytes = 350 * KIB;
    await start();
    expect(await world.ballast()).toBe(0);
  });

  test('leaves the ballast alone when there is room', async () => {
    await writeFile(join(world.path, 'ballast'), Buffer.alloc(LIMITS.ballastBytes, 1));
    world.roomBytes = 450 * KIB;
    await start();
    expect(await world.ballast()).toBe(LIMITS.ballastBytes);
  });

  test('waits, and says so once, until somebody has made room', async () => {
    world.roomBytes = 90 * KIB;
    const onWaiting = jest.fn();
    const progress = { isStarted: false };
    const started = start(onWaiting).then(() => (progress.isStarted = true));
    await until(() => onWaiting.mock.calls.length > 0);
    expect(onWaiting).toHaveBeenCalledWith({ freeBytes: 90 * KIB, neededBytes: 100 * KIB });
    world.clock.advance(5000);
    expect(progress.isStarted).toBe(false);
    world.roomBytes = 100 * KIB;
    await until(() => {
      world.clock.advance(1000);
      return progress.isStarted;
    });
    await started;
    expect(onWaiting).toHaveBeenCalledTimes(1);
  });
});
