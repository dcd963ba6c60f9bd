import type { Hello } from './hello.ts';
import { Incarnations, VolatileMemory } from './incarnations.ts';

const helloOf = (more: Partial<Hello>): Hello => ({
  protocol: 1,
  clusterId: 'c',
  nodeId: 'a',
  storeUuid: 's',
  incarnation: 5,
  bootNonce: 'boot',
  sequence: 70,
  ...more,
});

test('a process that greets again with what it had when it began to greet has forgotten nothing', () => {
  const seen = new Incarnations(new VolatileMemory());
  seen.remember(helloOf({}));
  // Messages over another connection overtake the handshake.
  seen.advanced(helloOf({}), 90);
  const late = helloOf({ sequence: 80 });
  expect(seen.lossOf(late)).toBeUndefined();
  seen.remember(late);
  expect(seen.lossOf(helloOf({ incarnation: 6, bootNonce: 'next', sequence: 89 }))).toContain(
    'write 90 was seen',
  );
});
