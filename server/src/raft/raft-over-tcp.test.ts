import { present, seededRandom, systemClock } from '../base/index.ts';
import { silentLogger } from '../observability/index.ts';
import { MemoryKv } from '../storage/index.ts';
import { PeerTransport, PROTOCOL_VERSION, RaftHost } from './index.ts';
import { eventually } from './testing/eventually.ts';
import { TextMachine } from './testing/text-machine.ts';

const IDS = ['node-1', 'node-2', 'node-3'];
const REPLICAS = new Map(IDS.map((id, at) => [at + 1, id]));
const GROUPS = [0, 1, 0xffff];

interface Node {
  readonly id: string;
  readonly transport: PeerTransport;
  readonly host: RaftHost;
  readonly machine: TextMachine;
}

const running = new Set<Node>();
afterEach(async () => {
  await Promise.all([...running].map(stop));
});

async function start(id: string, o: { kv: MemoryKv; port?: number; incarnation?: number }): Promise<Node> {
  const hello = {
    protocol: PROTOCOL_VERSION,
    clusterId: 'c1',
    nodeId: id,
    storeUuid: `store of ${id}`,
    incarnation: o.incarnation ?? 1,
    sequence: 0,
    bootNonce: `nonce ${o.incarnation ?? 1}`,
  };
  const shared = { clock: systemClock, logger: silentLogger };
  const transport = await PeerTransport.listen({
    ...shared,
    host: '127.0.0.1',
    port: o.port ?? 0,
    hello: () => hello,
    tokens: () => ['secret'],
    authorize: () => undefined,
    http: (socket) => socket.destroy(),
  });
  const machine = new TextMachine();
  const host = await RaftHost.open({
    ...shared,
    kv: o.kv,
    transport,
    random: seededRandom(IDS.indexOf(id) + 1),
    applier: machine,
    options: { electionTimeoutMs: 200, heartbeatIntervalMs: 50, maxAppendEntries: 100 },
  });
  const node = { id, transport, host, machine };
  running.add(node);
  return node;
}

function startGroups({ host, id }: Node): void {
  const replicaId = IDS.indexOf(id) + 1;
  const common = { replicaId, nodes: REPLICAS, bootstrapVoters: [...REPLICAS.keys()] };
  for (const group of GROUPS) host.startGroup({ ...common, group, applied: 0, campaignAtOnce: false });
}

async function stop(node: Node): Promise<void> {
  running.delete(node);
  await node.transport.close();
  await node.host.stop();
}

/** Proposes wherever the leader is until it is applied. */
async function write(nodes: readonly Node[], group: number, text: string): Promise<void> {
  for (;;) {
    await eventually(() => nodes.some(({ host }) => host.status(group).isLeader), 'a leader');
    const leader = present(
      nodes.find(({ host }) => host.status(group).isLeader),
      'the leader',
    );
    const isDone = await leader.host.propose(group, Buffer.from(text)).promise.then(
      () => true,
      () => false,
    );
    if (isDone) return;
  }
}

test('three nodes over sockets elect, commit, lose a node, go on, and take it back', async () => {
  const disks = new Map(IDS.map((id) => [id, new MemoryKv('log')]));
  const nodes = await Promise.all([...disks].map(([id, kv]) => start(id, { kv })));
  const addresses = new Map(
    nodes.map(({ id, transport }) => [id, { host: '127.0.0.1', port: transport.port }]),
  );
  for (const node of nodes) {
    node.transport.setPeers(addresses);
    startGroups(node);
  }
  for (const group of GROUPS) await write(nodes, group, 'one');

  const victim = present(
    nodes.find(({ host }) => host.status(0).isLeader),
    'the leader',
  );
  const rest = nodes.filter((node) => node !== victim);
  await stop(victim);
  for (const group of GROUPS) await write(rest, group, 'two');

  const kv = present(disks.get(victim.id), 'the disk').crash();
  const { port } = present(addresses.get(victim.id), 'the address');
  const back = await start(victim.id, { kv, port, incarnation: 2 });
  back.transport.setPeers(addresses);
  startGroups(back);
  await eventually(
    () => GROUPS.every((group) => back.machine.texts(group).length === 2),
    'the node catching up',
  );
  for (const group of GROUPS) {
    await write([...rest, back], group, 'three');
    await back.host.readBarrier(group);
    expect(back.machine.texts(group)).toEqual(['one', 'two', 'three']);
  }
});
