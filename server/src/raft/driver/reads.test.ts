import { GroupReads } from './reads.ts';

test('reads that wait for a leader are refused beyond a number, and taken again when some are answered', async () => {
  const reads = new GroupReads();
  const waiting = Array.from({ length: 65_536 }, () => reads.add(undefined));
  await expect(reads.add(undefined)).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
  const context = reads.startRound()!;
  reads.confirmed({ context, index: 7, by: 'round' }, 7);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([7]));
  const again = reads.add(undefined);
  reads.close();
  await expect(again).rejects.toMatchObject({ code: 'SHARD_UNAVAILABLE' });
});
