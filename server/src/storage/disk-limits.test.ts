import fc from 'fast-check';
import { DISK_STATES, diskLimits, type DiskSettings, type DiskState, nextDiskState } from './disk-limits.ts';

const MIB = 2 ** 20;
const NOTHING_SET: DiskSettings = {
  diskSoftLimitMb: undefined,
  diskHardLimitMb: undefined,
  diskBallastMb: undefined,
  writeBufferSizeMb: 64,
};

/** Soft, hard and ballast in MiB on a file system of `sizeMb`. */
function limitsOf(sizeMb: number, set: Partial<DiskSettings> = {}): number[] {
  const { softBytes, hardBytes, ballastBytes } = diskLimits({ ...NOTHING_SET, ...set }, sizeMb * MIB);
  return [softBytes, hardBytes, ballastBytes].map((bytes) => Math.round(bytes / MIB));
}

test.each([
  ['a large disk', 1_000_000, {}, [1024, 256, 128]],
  ['a disk of 4,000 MiB', 4_000, {}, [400, 200, 128]],
  ['a disk of 1,000 MiB, where the memtables need their room', 1_000, {}, [128, 64, 50]],
  ['large memtables', 1_000_000, { writeBufferSizeMb: 200 }, [1024, 256, 264]],
  ['a soft limit that was set', 1_000_000, { diskSoftLimitMb: 100 }, [100, 50, 128]],
  ['a hard limit that was set', 1_000_000, { diskHardLimitMb: 900 }, [1800, 900, 128]],
  ['no ballast', 1_000_000, { diskBallastMb: 0 }, [1024, 256, 0]],
  ['everything set', 50, { diskSoftLimitMb: 30, diskHardLimitMb: 20, diskBallastMb: 10 }, [30, 20, 10]],
])('%s', (_, sizeMb, set, limits) => {
  expect(limitsOf(sizeMb, set)).toEqual(limits);
});

test('the hard limit is always below the soft one', () => {
  const mb = fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined });
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 10_000_000 }), mb, mb, (sizeMb, soft, hard) => {
      fc.pre(soft === undefined || hard === undefined || hard < soft);
      const { softBytes, hardBytes } = diskLimits(
        { ...NOTHING_SET, diskSoftLimitMb: soft, diskHardLimitMb: hard },
        sizeMb * MIB,
      );
      expect(hardBytes).toBeLessThan(softBytes);
    }),
  );
});

const LIMITS = { softBytes: 100, hardBytes: 40, ballastBytes: 0 };

test.each<[number, DiskState, DiskState]>([
  [100, 'ok', 'ok'],
  [99, 'ok', 'low'],
  [39, 'ok', 'full'],
  [40, 'low', 'low'],
  [39, 'low', 'full'],
  // Room that comes and goes at a limit changes nothing.
  [124, 'low', 'low'],
  [125, 'low', 'ok'],
  [49, 'full', 'full'],
  [50, 'full', 'low'],
  [124, 'full', 'low'],
  [125, 'full', 'ok'],
])('with %d bytes a disk that was %s is %s', (bytes, before, after) => {
  expect(nextDiskState(before, bytes, LIMITS)).toBe(after);
});

test('a state stays while the room does', () => {
  fc.assert(
    fc.property(fc.constantFrom(...DISK_STATES), fc.integer({ min: 0, max: 200 }), (before, bytes) => {
      const after = nextDiskState(before, bytes, LIMITS);
      expect(nextDiskState(after, bytes, LIMITS)).toBe(after);
    }),
  );
});
