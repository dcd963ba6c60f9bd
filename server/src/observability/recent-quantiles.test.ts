import fc from 'fast-check';

import { FakeClock } from '../base/index.ts';
import { RecentQuantiles } from './recent-quantiles.ts';

describe('recent quantiles', () => {
  it('are those of a sorted list within 2.2 %', () => {
    const seconds = fc.double({ min: 2e-6, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(seconds, { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (all, q) => {
          const recent = new RecentQuantiles(new FakeClock());
          for (const one of all) recent.observe(one);
          const exact = all.toSorted((a, b) => a - b)[Math.ceil(q * all.length) - 1]!;
          const [read = NaN] = recent.read([q])!;
          expect(read / exact).toBeGreaterThanOrEqual(1 - 1e-9);
          expect(read / exact).toBeLessThan(1.0221);
        },
      ),
    );
  });

  it('forget what is more than a minute old', () => {
    const clock = new FakeClock();
    const recent = new RecentQuantiles(clock);
    recent.observe(1);
    clock.advance(30_000);
    recent.observe(0.001);
    expect(recent.read([1])![0]).toBeCloseTo(1, 1);
    clock.advance(30_000);
    expect(recent.read([1])![0]).toBeCloseTo(0.001, 4);
    clock.advance(30_000);
    expect(recent.read([1])).toBeUndefined();
    clock.advance(3_600_000);
    recent.observe(0.5);
    expect(recent.read([0.01, 1])!.map((value) => Math.round(value * 10) / 10)).toEqual([0.5, 0.5]);
  });

  it('forget every slot that a pause has skipped', () => {
    const clock = new FakeClock();
    const recent = new RecentQuantiles(clock);
    for (const seconds of [1, 1, 1, 1, 0.001, 0.001]) {
      recent.observe(seconds);
      clock.advance(10_000);
    }
    clock.advance(30_000);
    expect(recent.read([1])![0]).toBeCloseTo(0.001, 4);
  });

  it('take any duration', () => {
    const recent = new RecentQuantiles(new FakeClock());
    for (const seconds of [0, -1, 1e-12, 1e9, Infinity, NaN]) recent.observe(seconds);
    expect(recent.read([0.5, 1])!.every(Number.isFinite)).toBe(true);
  });
});
