import type { Entry } from '../core/index.ts';
import {
  COMMAND_BYTES_MAX,
  GROUP_PROPOSAL_BYTES_MAX,
  GroupProposals,
  NODE_PROPOSAL_BYTES_MAX,
} from './proposals.ts';

const entry = (index: number, term: number): Entry => ({
  index,
  term,
  kind: 'normal',
  data: Buffer.from('x'),
});
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

function add(proposals: GroupProposals, bytes = 1): Promise<unknown> {
  return proposals.add(Buffer.alloc(bytes), 0).promise.catch((error: unknown) => error);
}

describe('proposals of a group', () => {
  test('above the bytes of the group or of the node are refused, and accepted again when others were applied', async () => {
    const budget = { bytes: 0 };
    const proposals = new GroupProposals(budget, () => undefined);
    const fitting = GROUP_PROPOSAL_BYTES_MAX / COMMAND_BYTES_MAX;
    const answers = Array.from({ length: fitting }, () => add(proposals, COMMAND_BYTES_MAX));
    expect(await add(proposals)).toEqual(code('TOO_MANY_REQUESTS'));
    expect(budget.bytes).toBe(GROUP_PROPOSAL_BYTES_MAX);
    proposals.accepted(fitting, { firstIndex: 1, term: 1 });
    proposals.applied([entry(1, 1)], ['done']);
    expect(await answers[0]).toEqual({ index: 1, result: 'done' });
    void add(proposals, COMMAND_BYTES_MAX);
    budget.bytes = NODE_PROPOSAL_BYTES_MAX;
    expect(await add(new GroupProposals(budget, () => undefined))).toEqual(code('TOO_MANY_REQUESTS'));
  });

  test('of too many bytes are refused', async () => {
    const proposals = new GroupProposals({ bytes: 0 }, () => undefined);
    expect(await add(proposals, COMMAND_BYTES_MAX + 1)).toEqual(code('PAYLOAD_TOO_LARGE'));
  });

  test('of an earlier term at the same index are told apart from those that took their place', async () => {
    const proposals = new GroupProposals({ bytes: 0 }, () => undefined);
    const first = add(proposals);
    proposals.accepted(1, { firstIndex: 5, term: 1 });
    const second = add(proposals);
    proposals.accepted(1, { firstIndex: 5, term: 3 });
    proposals.applied([entry(4, 1), entry(5, 3), entry(6, 3)], ['a', 'b', 'c']);
    expect(await first).toEqual(code('SHARD_UNAVAILABLE'));
    expect(await second).toEqual({ index: 5, result: 'b' });
  });

  test('are handed out oldest first, as many as fit', () => {
    const proposals = new GroupProposals({ bytes: 0 }, () => undefined);
    for (const bytes of [10, 20, 30, 40]) void add(proposals, bytes);
    const lengths = (bytesMax: number): number[] => proposals.peek(bytesMax).map((command) => command.length);
    expect(lengths(5)).toEqual([10]);
    expect(lengths(60)).toEqual([10, 20, 30]);
    proposals.accepted(3, { firstIndex: 1, term: 1 });
    expect(lengths(60)).toEqual([40]);
  });
});
