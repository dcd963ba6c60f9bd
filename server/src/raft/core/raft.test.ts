import { seededRandom } from '../../base/index.ts';
import { Cluster, confOf } from './testing/cluster.ts';

/** Runs every node until nothing moves. */
function settle(cluster: Cluster): void {
  for (let moved = true; moved;) {
    moved = false;
    for (const node of cluster.nodes) {
      if (!node.isUp) continue;
      while (node.raft.hasReady() || node.writesPending > 0) {
        if (node.raft.hasReady()) cluster.turn(node.id);
        while (node.writesPending > 0) cluster.sync(node.id);
        cluster.apply(node.id);
        moved = true;
      }
    }
    const { wire } = cluster;
    cluster.wire = [];
    for (const message of wire) cluster.deliver(message);
    moved ||= wire.length > 0;
  }
}

function group(...ids: number[]): Cluster {
  const cluster = new Cluster({}, seededRandom(1));
  for (const id of ids) cluster.add(id, confOf(ids));
  return cluster;
}

describe('a group', () => {
  it('of three elects a leader, commits commands and confirms reads', () => {
    const cluster = group(1, 2, 3);
    cluster.raft(1).campaign();
    settle(cluster);
    expect(cluster.raft(1).status()).toMatchObject({ role: 'leader', term: 1, commit: 1 });
    expect(cluster.raft(1).propose([Buffer.from('a'), Buffer.from('b')])).toEqual({
      kind: 'accepted',
      firstIndex: 2,
      term: 1,
    });
    settle(cluster);
    expect(cluster.nodes.map((node) => node.applied)).toEqual([3, 3, 3]);
  });

  it('moves its leadership to a voter that has the whole log', () => {
    const cluster = group(1, 2, 3);
    cluster.raft(1).campaign();
    settle(cluster);
    cluster.raft(1).transferLeader(2);
    settle(cluster);
    expect(cluster.raft(2).status()).toMatchObject({ role: 'leader', term: 2, commit: 2 });
    expect(cluster.raft(1).status()).toMatchObject({ role: 'follower', leader: 2 });
  });
});
