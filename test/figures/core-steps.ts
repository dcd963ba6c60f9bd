import { seededRandom } from '../../server/src/base/index.ts';
import type { Message } from '../../server/src/raft/core/index.ts';
import { TestNode } from '../../server/src/raft/core/testing/test-node.ts';

const CONF = { voters: [1, 2, 3], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
const COMMAND = Buffer.alloc(64, 1);

/** Calls into the bare core (messages, ticks, proposals, finished writes and applies) a second, of three replicas that replicate. */
export function coreStepsPerSecond(ms: number): number {
  const nodes = [1, 2, 3].map(
    (id) =>
      new TestNode(
        {
          id,
          electionTicks: 20,
          heartbeatTicks: 5,
          preVote: true,
          checkQuorum: true,
          messageBytesMax: 1 << 20,
          messageEntriesMax: 100,
          inflightMessagesMax: 256,
          inflightBytesMax: 4 << 20,
          uncommittedBytesMax: 1 << 26,
          committedBytesMax: 1 << 23,
        },
        CONF,
        seededRandom(id),
      ),
  );
  const [first] = nodes as [TestNode, TestNode, TestNode];
  first.raft.campaign();
  let steps = 0;
  const queue: Message[] = [];
  const settle = (): void => {
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const node of nodes) {
        if (!node.raft.hasReady()) continue;
        isBusy = true;
        queue.push(...node.turn().messages);
        while (node.writesPending > 0) {
          queue.push(...node.sync());
          steps += 1;
        }
        if (node.apply().length > 0) steps += 1;
      }
      for (const message of queue.splice(0)) {
        nodes[message.to - 1]?.raft.step(message);
        steps += 1;
      }
    }
  };
  settle();
  steps = 0;
  const startMs = performance.now();
  for (let round = 0; performance.now() - startMs < ms; round += 1) {
    first.raft.propose([COMMAND]);
    steps += 1;
    settle();
    if (round % 50 === 0) {
      for (const node of nodes) {
        node.raft.tick();
        node.compact();
        steps += 1;
      }
      settle();
    }
  }
  return (steps / (performance.now() - startMs)) * 1000;
}
