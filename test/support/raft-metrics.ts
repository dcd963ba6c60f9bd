import type { LocalCluster } from './cluster.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of one metric of `/raft/metrics` of a node. */
export async function raftSamples(cluster: LocalCluster, nodeId: string, name: string): Promise<Sample[]> {
  const reply = await fetch(`http://127.0.0.1:${cluster.node(nodeId).raftPort}/raft/metrics`, {
    signal: AbortSignal.timeout(10_000),
  });
  const lines = (await reply.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
  return lines.map((line) => {
    const labels: Record<string, string> = {};
    for (const [, label = '', value = ''] of line.matchAll(/(\w+)="([^"]*)"/g)) labels[label] = value;
    return { labels, value: Number(line.slice(line.lastIndexOf(' '))) };
  });
}

export async function sumOf(cluster: LocalCluster, nodeId: string, name: string): Promise<number> {
  return (await raftSamples(cluster, nodeId, name)).reduce((sum, { value }) => sum + value, 0);
}
