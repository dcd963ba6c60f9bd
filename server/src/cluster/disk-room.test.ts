import type { DiskState } from '../storage/index.ts';
import { type Demand, judgeRoom, type RoomVerdict } from './disk-room.ts';

test.each<[Demand, DiskState, DiskState[], RoomVerdict]>([
  ['take', 'ok', ['ok', 'ok', 'ok'], 'ok'],
  // One without room does not stop the others.
  ['take', 'ok', ['ok', 'ok', 'full'], 'ok'],
  ['take', 'low', ['low', 'ok', 'ok'], 'handOver'],
  ['take', 'full', ['full', 'ok', 'ok'], 'handOver'],
  // A majority would fill what it needs to recover.
  ['take', 'ok', ['ok', 'low', 'low'], 'none'],
  ['take', 'ok', ['ok', 'low', 'full'], 'none'],
  ['take', 'low', ['low'], 'none'],
  ['take', 'ok', ['ok', 'low'], 'none'],
  // Removing goes on until a majority appends nothing.
  ['make', 'low', ['low', 'low', 'low'], 'ok'],
  ['make', 'low', ['low', 'low', 'full'], 'ok'],
  ['make', 'full', ['full', 'low', 'low'], 'handOver'],
  ['make', 'ok', ['ok', 'full', 'full'], 'none'],
  ['make', 'full', ['full'], 'none'],
])('an entry that shall %s room, led on a disk that is %s among %j: %s', (demand, own, states, verdict) => {
  expect(judgeRoom(demand, own, states)).toBe(verdict);
});
