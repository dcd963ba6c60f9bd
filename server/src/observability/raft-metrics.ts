import { Registry } from 'prom-client';

import { Children, Families } from './families.ts';
import { RAFT_METRICS } from './metric-table.ts';

/** The state of one group on this node. */
export interface GroupGauges {
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastIndex: number;
  readonly isLeader: boolean;
  readonly hasLeader: boolean;
}

/** What `/raft/metrics` answers. `shard` is the label: the number of the shard, or "meta". */
export class RaftMetrics {
  readonly #registry = new Registry();
  readonly #families = new Families(RAFT_METRICS, this.#registry);
  readonly #looks: (() => void)[] = [];
  readonly #appends = new Children((...labels) =>
    this.#families.histogram('grape_raft_append_latency_seconds').labels(...labels),
  );
  readonly #reads = new Children((...labels) =>
    this.#families.counter('grape_raft_reads_total').labels(...labels),
  );
  readonly #proposals = new Children((...labels) =>
    this.#families.counter('grape_raft_proposals_total').labels(...labels),
  );

  setGroup(shard: string, group: GroupGauges): void {
    const families = this.#families;
    families.gauge('grape_raft_term').set({ shard }, group.term);
    families.gauge('grape_raft_commit_index').set({ shard }, group.commitIndex);
    families.gauge('grape_raft_applied_index').set({ shard }, group.appliedIndex);
    families.gauge('grape_raft_last_index').set({ shard }, group.lastIndex);
    families.gauge('grape_raft_is_leader').set({ shard }, group.isLeader ? 1 : 0);
    families.gauge('grape_raft_has_leader').set({ shard }, group.hasLeader ? 1 : 0);
  }

  /** All peers; one that is not named any more goes. */
  setPeerBacklogs(bytes: ReadonlyMap<string, number>): void {
    const gauge = this.#families.gauge('grape_raft_peer_backlog_bytes');
    gauge.reset();
    for (const [peer, waiting] of bytes) gauge.set({ peer }, waiting);
  }

  countElection(shard: string): void {
    this.#families.counter('grape_raft_elections_total').inc({ shard });
  }

  countProposals(shard: string, entries: number): void {
    this.#proposals.of(shard).inc(entries);
  }

  countReads(shard: string, o: { readonly count: number; readonly by: 'lease' | 'round' | 'leader' }): void {
    this.#reads.of(shard, o.by).inc(o.count);
  }

  countCompacted(shard: string, entries: number): void {
    this.#families.counter('grape_raft_compacted_entries_total').inc({ shard }, entries);
  }

  countSnapshot(
    shard: string,
    o: { readonly direction: 'sent' | 'received'; readonly bytes: number; readonly seconds: number },
  ): void {
    const labels = { shard, direction: o.direction };
    this.#families.counter('grape_raft_snapshots_total').inc(labels);
    this.#families.counter('grape_raft_snapshot_bytes_total').inc(labels, o.bytes);
    this.#families.histogram('grape_raft_snapshot_seconds').labels(o.direction).observe(o.seconds);
  }

  countSnapshotFailure(shard: string, direction: 'sent' | 'received'): void {
    this.#families.counter('grape_raft_snapshot_failures_total').inc({ shard, direction });
  }

  /** From proposing an entry on its leader to applying it there. */
  observeAppend(shard: string, seconds: number): void {
    this.#appends.of(shard).observe(seconds);
  }

  /** One synced write of the log, which serves all groups of a turn. */
  observeFsync(seconds: number): void {
    this.#families.histogram('grape_raft_fsync_latency_seconds').observe(seconds);
  }

  /** Called at every scrape: for gauges that cost nothing to look up and change fast. */
  beforeScrape(look: () => void): void {
    this.#looks.push(look);
  }

  /** The exposition text. */
  text(): Promise<string> {
    for (const look of this.#looks) look();
    return this.#registry.metrics();
  }
}
