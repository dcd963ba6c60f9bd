import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FakeClock } from '../base/index.ts';
import { silentLogger } from './logger.ts';
import { machineCollector } from './machine-collector.ts';
import { NODE_METRICS, RAFT_METRICS } from './metric-table.ts';
import { Metrics } from './metrics.ts';

const made = (clock = new FakeClock()) =>
  new Metrics({ clock, logger: silentLogger, memoryLimitBytes: 1000 });

/** The value of one line of the exposition. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe('the metrics of a node', () => {
  it('expose every family of the table, and those of the process', async () => {
    const metrics = made();
    const [node, raft] = [await metrics.text(), await metrics.raft.text()];
    for (const [name, spec] of Object.entries(NODE_METRICS))
      expect(node).toContain(`# TYPE ${name} ${spec.type}\n`);
    for (const [name, spec] of Object.entries(RAFT_METRICS))
      expect(raft).toContain(`# TYPE ${name} ${spec.type}\n`);
    expect(node).toContain('nodejs_eventloop_lag_max_seconds ');
    expect(node).toContain('process_resident_memory_bytes ');
    expect([valueOf(node, 'grape_node_up'), valueOf(node, 'grape_memory_limit_bytes')]).toEqual([1, 1000]);
  });

  it('count queries by operation and status and measure them once', async () => {
    const metrics = made();
    for (let i = 0; i < 99; i += 1) metrics.observeQuery('search', 'ok', 0.004);
    metrics.observeQuery('upsert', 'SHARD_UNAVAILABLE', 2);
    const text = await metrics.text();
    expect(valueOf(text, 'grape_queries_total{op="search",status="ok"}')).toBe(99);
    expect(valueOf(text, 'grape_queries_total{op="upsert",status="SHARD_UNAVAILABLE"}')).toBe(1);
    expect(valueOf(text, 'grape_query_duration_seconds{quantile="0.95"}')).toBeCloseTo(0.004, 3);
    expect(valueOf(text, 'grape_query_duration_seconds_count')).toBe(100);
    expect(valueOf(text, 'grape_query_duration_seconds_sum')).toBeCloseTo(2.396, 3);
    expect(valueOf(text, 'grape_query_duration_seconds_histogram_bucket{le="0.005",op="search"}')).toBe(99);
  });

  it('say NaN for quantiles of a minute without queries', async () => {
    expect(valueOf(await made().text(), 'grape_query_duration_seconds{quantile="0.5"}')).toBeNaN();
  });

  it('follow totals that the storage counts, also when it starts anew', async () => {
    const metrics = made();
    for (const hits of [10, 25, 3]) metrics.setCacheTotals({ hits, misses: 0 });
    expect(valueOf(await metrics.text(), 'grape_cache_hits_total')).toBe(28);
  });

  it('know points per shard and bytes per plane', async () => {
    const metrics = made();
    metrics.setShardVectors(3, 17);
    metrics.setShardVectors(4, 1);
    metrics.removeShard(4);
    metrics.addNetworkBytes('raft', { received: 5 });
    metrics.addNetworkBytes('raft', { received: 6, sent: 7 });
    const text = await metrics.text();
    expect(valueOf(text, 'grape_vectors_total{shard="3"}')).toBe(17);
    expect(valueOf(text, 'grape_vectors_total{shard="4"}')).toBeUndefined();
    expect(valueOf(text, 'grape_network_received_bytes_total{plane="raft"}')).toBe(11);
    expect(valueOf(text, 'grape_network_sent_bytes_total{plane="raft"}')).toBe(7);
  });

  it('are refreshed at start and at every interval, and a failing collector does not stop the others', async () => {
    const clock = new FakeClock();
    const metrics = made(clock);
    let runs = 0;
    metrics.addCollector(() => {
      throw new Error('not now');
    });
    metrics.addCollector(() => {
      runs += 1;
    });
    metrics.start(10);
    await metrics.refresh();
    expect(runs).toBe(1);
    clock.advance(9_999);
    await Promise.resolve();
    expect(runs).toBe(1);
    clock.advance(1);
    await metrics.refresh();
    expect(runs).toBe(2);
    metrics.stop();
    clock.advance(60_000);
    expect(runs).toBe(2);
  });

  it('look up memory and disk', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'grape-metrics-'));
    mkdirSync(join(directory, 'raft'));
    writeFileSync(join(directory, 'a'), Buffer.alloc(1000));
    writeFileSync(join(directory, 'raft', 'b'), Buffer.alloc(234));
    const metrics = made();
    metrics.addCollector(machineCollector(metrics, directory));
    await metrics.refresh();
    const text = await metrics.text();
    expect(valueOf(text, 'grape_disk_usage_bytes')).toBe(1234);
    expect(valueOf(text, 'grape_disk_size_bytes')).toBeGreaterThanOrEqual(
      valueOf(text, 'grape_disk_free_bytes')!,
    );
    expect(valueOf(text, 'grape_memory_usage_bytes')).toBeGreaterThan(10_000_000);
  });
});

describe('the metrics of Raft', () => {
  it('carry the group as the label shard', async () => {
    const { raft } = made();
    raft.setGroup('meta', {
      term: 4,
      commitIndex: 10,
      appliedIndex: 9,
      lastIndex: 11,
      isLeader: true,
      hasLeader: true,
    });
    raft.countElection('0');
    raft.countProposals('0', 3);
    raft.countSnapshot('0', { direction: 'sent', bytes: 100, seconds: 2 });
    raft.countSnapshotFailure('0', 'received');
    raft.observeAppend('0', 0.003);
    raft.observeFsync(0.001);
    const text = await raft.text();
    expect(
      ['term', 'commit_index', 'applied_index', 'last_index', 'is_leader', 'has_leader'].map((name) =>
        valueOf(text, `grape_raft_${name}{shard="meta"}`),
      ),
    ).toEqual([4, 10, 9, 11, 1, 1]);
    expect(valueOf(text, 'grape_raft_elections_total{shard="0"}')).toBe(1);
    expect(valueOf(text, 'grape_raft_proposals_total{shard="0"}')).toBe(3);
    expect(valueOf(text, 'grape_raft_snapshots_total{shard="0",direction="sent"}')).toBe(1);
    expect(valueOf(text, 'grape_raft_append_latency_seconds_count{shard="0"}')).toBe(1);
    expect(valueOf(text, 'grape_raft_fsync_latency_seconds_count')).toBe(1);
  });
});

test('a look before the scrape brings fast gauges up to date', async () => {
  const metrics = made();
  let unlinked = 5;
  metrics.beforeScrape(() => metrics.setIndexes({ live: 10, dead: 1, unlinked, bytes: 4096, rebuilds: 2 }));
  expect(await metrics.text()).toContain('grape_index_unlinked 5');
  unlinked = 0;
  expect(await metrics.text()).toContain('grape_index_unlinked 0');
});
