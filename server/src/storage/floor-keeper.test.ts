import { FakeClock } from '../base/index.ts';
import { decodeFloor, EMPTY_FLOOR, encodeFloor, type Floor } from './floor.ts';
import { FloorKeeper } from './floor-keeper.ts';

const vote = (group: number, term: number) => ({ group, replicaId: 1, term, vote: 2 });
const store = (storeUuid: string, sequence = 1) => ({ storeUuid, incarnation: 1, bootNonce: 'n', sequence });

/** A file whose writes end when they are let. */
class Disk {
  floor: Floor | undefined;
  writes = 0;
  readonly #waiting: (() => void)[] = [];
  isSlow = false;
  error: Error | undefined;

  readonly write = async (bytes: Buffer): Promise<void> => {
    this.writes += 1;
    if (this.isSlow) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.error !== undefined) throw this.error;
    this.floor = decodeFloor(bytes);
  };

  release(): void {
    for (const proceed of this.#waiting.splice(0)) proceed();
  }
}

function keeperOn(disk: Disk, floor = EMPTY_FLOOR) {
  const clock = new FakeClock();
  const errors: Error[] = [];
  const keeper = new FloorKeeper({ floor, write: disk.write, clock, onError: (error) => errors.push(error) });
  return { keeper, clock, errors };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('a vote is on the disk when it resolves, with those before it', async () => {
  const disk = new Disk();
  const { keeper } = keeperOn(disk, { ...EMPTY_FLOOR, votes: [vote(7, 3)] });
  await keeper.votes([vote(8, 1), vote(9, 4)]);
  expect(disk.floor?.votes).toEqual([vote(7, 3), vote(8, 1), vote(9, 4)]);
  await keeper.votes([vote(8, 2)]);
  expect(disk.floor?.votes).toContainEqual(vote(8, 2));
});

test('votes that come during a write share the next one, and wait for it', async () => {
  const disk = new Disk();
  disk.isSlow = true;
  const { keeper } = keeperOn(disk);
  const done: number[] = [];
  const all = [1, 2, 3].map((group) => keeper.votes([vote(group, 1)]).then(() => done.push(group)));
  await turns();
  disk.release();
  await turns();
  expect(done).toEqual([1]);
  disk.release();
  await Promise.all(all);
  expect(disk.writes).toBe(2);
  expect(disk.floor?.votes).toHaveLength(3);
});

test('write batches cost nothing: their sequence, and what is known of others, follow within a second', async () => {
  const disk = new Disk();
  const { keeper, clock } = keeperOn(disk);
  for (let sequence = 1; sequence <= 10_000; sequence += 1) keeper.synced(sequence);
  for (let at = 0; at < 100; at += 1) keeper.heard(store('s', at));
  expect(disk.writes).toBe(0);
  clock.advance(1000);
  await turns();
  expect(disk.writes).toBe(1);
  expect(disk.floor).toEqual({ sequence: 10_000, votes: [], stores: [store('s', 99)] });
  clock.advance(5000);
  await turns();
  expect(disk.writes).toBe(1);
});

test('the sequence never falls', async () => {
  const disk = new Disk();
  const { keeper } = keeperOn(disk, { ...EMPTY_FLOOR, sequence: 50 });
  keeper.synced(49);
  await keeper.votes([vote(1, 1)]);
  expect(disk.floor?.sequence).toBe(50);
});

test('a disk that fails is reported, to whoever waits and to the node', async () => {
  const disk = new Disk();
  const { keeper, clock, errors } = keeperOn(disk);
  disk.error = new Error('no space');
  await expect(keeper.votes([vote(1, 1)])).rejects.toThrow('no space');
  keeper.synced(3);
  clock.advance(1000);
  await turns();
  expect(errors).toHaveLength(1);
});

test('what is not saved yet is saved at the end', async () => {
  const disk = new Disk();
  const { keeper } = keeperOn(disk);
  keeper.synced(3);
  await keeper.close();
  expect(disk.floor?.sequence).toBe(3);
});

test('a floor is given back as it was written, and nothing else is taken for one', () => {
  const floor = { sequence: 2 ** 50, votes: [vote(65535, 9)], stores: [store('a'), store('b', 7)] };
  const bytes = encodeFloor(floor);
  expect(decodeFloor(bytes)).toEqual(floor);
  for (let length = 0; length < bytes.length; length += 1) {
    expect(() => decodeFloor(bytes.subarray(0, length))).toThrow();
  }
});
