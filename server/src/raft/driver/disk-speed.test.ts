import { FakeClock } from '../../base/index.ts';
import { DiskSpeed } from './disk-speed.ts';

function diskOf() {
  const clock = new FakeClock();
  const speed = new DiskSpeed(clock, 500);
  const write = (ms: number): void => {
    speed.began();
    clock.advance(ms);
    speed.ended();
  };
  return { clock, speed, write };
}

test('three slow writes in a row make a disk slow; a quick one in between does not let them count', () => {
  const { speed, write } = diskOf();
  for (const ms of [501, 600, 20, 501, 501]) write(ms);
  expect(speed.isSlow).toBe(false);
  write(501);
  expect(speed.isSlow).toBe(true);
});

test('a write that hangs makes it slow before it ends', () => {
  const { clock, speed } = diskOf();
  speed.began();
  clock.advance(1_500);
  expect(speed.isSlow).toBe(false);
  clock.advance(1);
  expect(speed.isSlow).toBe(true);
});

test('it stays slow until it was quick for half a minute', () => {
  const { clock, speed, write } = diskOf();
  for (let count = 0; count < 3; count += 1) write(501);
  clock.advance(29_000);
  write(501);
  clock.advance(29_000);
  for (let count = 0; count < 40; count += 1) write(1);
  expect(speed.isSlow).toBe(true);
  clock.advance(1_000);
  expect(speed.isSlow).toBe(false);
});

test('writes at the limit are quick enough', () => {
  const { speed, write } = diskOf();
  for (let count = 0; count < 10; count += 1) write(500);
  expect(speed.isSlow).toBe(false);
});
