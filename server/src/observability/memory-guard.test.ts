import { execFileSync } from 'node:child_process';
import { FakeClock } from '../base/index.ts';
import { silentLogger } from './logger.ts';
import { anonymousBytes, isShortOf, MemoryGuard } from './memory-guard.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

test.each([
  [10 * GIB, 8.99 * GIB, false, false],
  [10 * GIB, 9.01 * GIB, false, true],
  [10 * GIB, 8.8 * GIB, true, true],
  [10 * GIB, 8.7 * GIB, true, false],
  [512 * MIB, 383 * MIB, false, false],
  [512 * MIB, 385 * MIB, false, true],
  [100 * MIB, 74 * MIB, false, false],
  [100 * MIB, 76 * MIB, false, true],
])('of %d bytes %d are used, short before: %s; short now: %s', (limitBytes, usedBytes, wasShort, isShort) => {
  expect(isShortOf({ limitBytes, usedBytes, wasShort })).toBe(isShort);
});

test('a shortage is seen at once, ends with some distance, and each change is one log line', () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const note = (message: string): void => void lines.push(message);
  const logger = { ...silentLogger, info: note, error: note };
  let used = 50 * MIB;
  const guard = new MemoryGuard({ limitBytes: 100 * MIB, clock, logger, used: () => used });
  const shortAt = (mib: number): boolean => {
    used = mib * MIB;
    clock.advance(250);
    return guard.room.isShort;
  };
  expect([60, 76, 80, 74, 70, 68, 74].map(shortAt)).toEqual([false, true, true, true, true, false, false]);
  expect(guard.leftBytes).toBe(26 * MIB);
  expect(lines).toEqual([
    'the memory is almost used up: upserts are refused',
    'there is memory again: upserts are taken',
  ]);
  guard.stop();
  expect(shortAt(99)).toBe(false);
});

test('what was allocated is seen as used', () => {
  // In a process of its own: here the garbage of tests before may be given back meanwhile.
  const script = `
    const { ${anonymousBytes.name}: used } = await import(${JSON.stringify(new URL('memory-guard.ts', import.meta.url).href)});
    const before = used();
    const held = Buffer.alloc(${64 * MIB}, 1);
    process.stdout.write(String((used() - before) / held.length));`;
  const share = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(Number(share)).toBeGreaterThan(0.9);
  expect(Number(share)).toBeLessThan(1.5);
});
