import fc from 'fast-check';
import { seededRandom } from '../../base/index.ts';
import { Cluster, confOf } from './testing/cluster.ts';
import type { Message } from './types.ts';

const LEADER = 1;
const SILENT = 3;
const VOTERS = [LEADER, 2, SILENT];

/** Three replicas that agree; the first leads and streams to the others. */
function group(limits: { readonly inflightBytesMax: number; readonly messageBytesMax: number }): Cluster {
  const cluster = new Cluster({ ...limits, inflightMessagesMax: 1_000_000 }, seededRandom(1));
  for (const id of VOTERS) cluster.add(id, confOf(VOTERS));
  cluster.raft(LEADER).campaign();
  settle(cluster, () => true);
  cluster.raft(LEADER).propose([Buffer.from('a')]);
  settle(cluster, () => true);
  expect(cluster.raft(SILENT).status().lastIndex).toBe(cluster.raft(LEADER).status().lastIndex);
  return cluster;
}

/** Runs all replicas and delivers what `passes`, until nothing is left to do; answers what did not pass. */
function settle(cluster: Cluster, passes: (message: Message) => boolean): Message[] {
  const held: Message[] = [];
  do {
    for (const message of cluster.wire.splice(0)) {
      if (passes(message)) cluster.deliver(message);
      else held.push(message);
    }
    for (const { id, raft } of cluster.nodes) {
      while (raft.hasReady()) cluster.turn(id);
      while (cluster.node(id).writesPending > 0) cluster.sync(id);
      while (cluster.node(id).appliesPending > 0) cluster.apply(id);
    }
  } while (cluster.wire.length > 0 || cluster.nodes.some(({ raft }) => raft.hasReady()));
  return held;
}

function bytesIn(messages: readonly Message[]): number {
  const entries = messages.flatMap((message) => (message.type === 'append' ? message.entries : []));
  return entries.reduce((bytes, { data }) => bytes + data.length, 0);
}

const sizes = fc.array(fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 8 }), {
  minLength: 1,
  maxLength: 60,
});
const limits = fc.record({
  inflightBytesMax: fc.integer({ min: 1, max: 40_000 }),
  messageBytesMax: fc.integer({ min: 1, max: 9_000 }),
});

it('never has more under way to a follower that is silent than the window and the message that crosses it, and hands it everything when it speaks', () => {
  let filled = 0;
  fc.assert(
    fc.property(limits, sizes, (bounds, rounds) => {
      const cluster = group(bounds);
      const largest = Math.max(bounds.messageBytesMax, ...rounds.flat());
      const held: Message[] = [];
      for (const round of rounds) {
        const proposed = cluster.raft(LEADER).propose(round.map((bytes) => Buffer.alloc(bytes)));
        expect(proposed.kind).toBe('accepted');
        cluster.node(LEADER).tick();
        held.push(...settle(cluster, ({ to, from }) => to !== SILENT && from !== SILENT));
        expect(bytesIn(held)).toBeLessThan(bounds.inflightBytesMax + largest);
      }
      const { lastIndex, commit } = cluster.raft(LEADER).status();
      // It held up nobody: the other follower is enough.
      expect(commit).toBe(lastIndex);
      const total = rounds.flat().reduce((sum, bytes) => sum + bytes, 0);
      if (bytesIn(held) < total) filled += 1;
      for (const message of held) cluster.deliver(message);
      for (let heartbeat = 0; heartbeat < 3; heartbeat += 1) {
        cluster.node(LEADER).tick();
        settle(cluster, () => true);
      }
      expect(cluster.raft(SILENT).status().commit).toBe(lastIndex);
    }),
    { numRuns: 60, seed: 4 },
  );
  // Windows that never fill would show nothing.
  expect(filled).toBeGreaterThan(10);
});
