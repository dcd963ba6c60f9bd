import { collectDefaultMetrics, Registry } from 'prom-client';

import { asError, type Clock, type ErrorCode, type Timer } from '../base/index.ts';
import { Children, Families } from './families.ts';
import type { Logger } from './logger.ts';
import type { MemoryRoom } from './memory-guard.ts';
import { NODE_METRICS } from './metric-table.ts';
import { QuerySummary } from './query-summary.ts';
import { RaftMetrics } from './raft-metrics.ts';

export type QueryOp =
  'upsert' | 'get' | 'delete' | 'search' | 'search_batch' | 'scroll' | 'count' | 'patch' | 'indexes';

/** How a query ended. */
export type QueryStatus = 'ok' | ErrorCode;

/** Brings gauges up to date; called at start and every metrics_interval_secs. */
export type Collector = () => void | Promise<void>;

export interface DiskUsage {
  readonly usageBytes: number;
  readonly freeBytes: number;
  readonly sizeBytes: number;
}

export interface DiskRoomGauges {
  /** 0: enough, 1: almost full, 2: full. */
  readonly level: number;
  readonly isSlow: boolean;
  readonly availableBytes: number;
  readonly ballastBytes: number;
  readonly softBytes: number;
  readonly hardBytes: number;
}

export interface RetryUsage {
  readonly rows: number;
  readonly repeated: number;
  readonly misnamed: number;
  readonly full: number;
  readonly evicted: number;
}

export interface IndexUsage {
  readonly live: number;
  readonly dead: number;
  readonly unlinked: number;
  readonly bytes: number;
  /** Since the process started. */
  readonly rebuilds: number;
}

/** What holds memory; `grape_memory_part_bytes` says more. */
export type MemoryPart =
  | 'codes'
  | 'originals'
  | 'graph'
  | 'ids'
  | 'rocksdb_cache'
  | 'rocksdb_memtables'
  | 'rocksdb_tables'
  | 'js_heap'
  | 'js_buffers'
  | 'other';

/**
 * Every metric of the node, in registries of its own. Counters and latencies are up to date at every scrape; gauges
 * that somebody has to look up are refreshed by collectors.
 */
export class Metrics {
  readonly raft = new RaftMetrics();
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #registry = new Registry();
  readonly #families = new Families(NODE_METRICS, this.#registry);
  readonly #summary: QuerySummary;
  readonly #durations = new Children((...op) =>
    this.#families.histogram('grape_query_duration_seconds_histogram').labels(...op),
  );
  readonly #queries = new Children((...labels) =>
    this.#families.counter('grape_queries_total').labels(...labels),
  );
  readonly #received = new Children((...plane) =>
    this.#families.counter('grape_network_received_bytes_total').labels(...plane),
  );
  readonly #sent = new Children((...plane) =>
    this.#families.counter('grape_network_sent_bytes_total').labels(...plane),
  );
  readonly #totals = new Map<string, number>();
  readonly #collectors: Collector[] = [];
  readonly #looks: (() => void)[] = [];
  #timer: Timer | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(o: { clock: Clock; logger: Logger; memoryLimitBytes: number }) {
    this.#clock = o.clock;
    this.#logger = o.logger;
    this.#summary = new QuerySummary({
      name: 'grape_query_duration_seconds',
      spec: NODE_METRICS.grape_query_duration_seconds,
      clock: o.clock,
      registry: this.#registry,
    });
    this.#families.gauge('grape_node_up').set(1);
    this.#families.gauge('grape_memory_limit_bytes').set(o.memoryLimitBytes);
    collectDefaultMetrics({ register: this.#registry });
  }

  observeQuery(op: QueryOp, status: QueryStatus, seconds: number): void {
    this.#summary.observe(seconds);
    this.#durations.of(op).observe(seconds);
    this.#queries.of(op, status).inc();
  }

  setShardVectors(shard: number, points: number): void {
    this.#families.gauge('grape_vectors_total').set({ shard: String(shard) }, points);
  }

  /** The shard has no replica here any more. */
  removeShard(shard: number): void {
    this.#families.gauge('grape_vectors_total').remove({ shard: String(shard) });
  }

  addNetworkBytes(plane: 'rest' | 'raft', bytes: { received?: number; sent?: number }): void {
    if (bytes.received !== undefined) this.#received.of(plane).inc(bytes.received);
    if (bytes.sent !== undefined) this.#sent.of(plane).inc(bytes.sent);
  }

  /** Totals that the storage counts itself since it was opened. */
  setCacheTotals(totals: { hits: number; misses: number }): void {
    this.#raiseTo('grape_cache_hits_total', totals.hits);
    this.#raiseTo('grape_cache_misses_total', totals.misses);
  }

  /** Sums over the collections of the node. */
  setIndexes(indexes: IndexUsage): void {
    this.#families.gauge('grape_index_live').set(indexes.live);
    this.#families.gauge('grape_index_dead').set(indexes.dead);
    this.#families.gauge('grape_index_unlinked').set(indexes.unlinked);
    this.#families.gauge('grape_index_bytes').set(indexes.bytes);
    this.#raiseTo('grape_index_rebuilds_total', indexes.rebuilds);
  }

  /** Totals since the process started, beside the rows that there are now. */
  setRetries(retries: RetryUsage): void {
    this.#families.gauge('grape_retry_rows').set(retries.rows);
    this.#raiseTo('grape_retry_repeated_total', retries.repeated);
    this.#raiseTo('grape_retry_misnamed_total', retries.misnamed);
    this.#raiseTo('grape_retry_full_total', retries.full);
    this.#raiseTo('grape_retry_evicted_total', retries.evicted);
  }

  /** Of searches for 10 results; undefined: it is not known yet. */
  setSearchRecall(recall: number | undefined): void {
    if (recall !== undefined) this.#families.gauge('grape_search_recall').set({ k: '10' }, recall);
  }

  setMemoryUsage(bytes: number): void {
    this.#families.gauge('grape_memory_usage_bytes').set(bytes);
  }

  setMemoryParts(parts: Readonly<Record<MemoryPart, number>>): void {
    const gauge = this.#families.gauge('grape_memory_part_bytes');
    for (const [part, bytes] of Object.entries(parts)) gauge.set({ part }, bytes);
  }

  setMemoryRoom(room: MemoryRoom): void {
    this.#families.gauge('grape_memory_used_bytes').set(room.usedBytes);
    this.#families.gauge('grape_memory_short').set(room.isShort ? 1 : 0);
  }

  setDisk(disk: DiskUsage): void {
    this.#families.gauge('grape_disk_usage_bytes').set(disk.usageBytes);
    this.#families.gauge('grape_disk_free_bytes').set(disk.freeBytes);
    this.#families.gauge('grape_disk_size_bytes').set(disk.sizeBytes);
  }

  setDiskRoom(room: DiskRoomGauges): void {
    this.#families.gauge('grape_disk_state').set(room.level);
    this.#families.gauge('grape_disk_slow').set(room.isSlow ? 1 : 0);
    this.#families.gauge('grape_disk_available_bytes').set(room.availableBytes);
    this.#families.gauge('grape_disk_soft_limit_bytes').set(room.softBytes);
    this.#families.gauge('grape_disk_hard_limit_bytes').set(room.hardBytes);
    this.#families.gauge('grape_disk_ballast_bytes').set(room.ballastBytes);
  }

  /** One of the names that the metric lists. */
  setStanding(standing: string): void {
    const gauge = this.#families.gauge('grape_node_standing');
    gauge.reset();
    gauge.set({ standing }, 1);
  }

  setDamagedReplicas(count: number): void {
    this.#families.gauge('grape_damaged_replicas').set(count);
  }

  /** Totals since the process started. */
  setDiskTotals(totals: { readBytes: number; writtenBytes: number }): void {
    this.#raiseTo('grape_disk_read_bytes_total', totals.readBytes);
    this.#raiseTo('grape_disk_written_bytes_total', totals.writtenBytes);
  }

  addCollector(collector: Collector): void {
    this.#collectors.push(collector);
  }

  /** Refreshes now and then every `intervalSecs`. */
  start(intervalSecs: number): void {
    this.#timer = this.#clock.every(intervalSecs * 1000, () => void this.refresh());
    void this.refresh();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Runs the collectors; calls while they run share that run. A collector that fails is logged and tried again. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#collect().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Called at every scrape: for gauges that cost nothing to look up and change fast. */
  beforeScrape(look: () => void): void {
    this.#looks.push(look);
  }

  /** What `/metrics` answers. */
  text(): Promise<string> {
    for (const look of this.#looks) look();
    return this.#registry.metrics();
  }

  async #collect(): Promise<void> {
    for (const collector of this.#collectors) {
      try {
        await collector();
      } catch (error) {
        this.#logger.warn('a metrics collector failed', { error: asError(error) });
      }
    }
  }

  /** prom-client's counters can only be increased; a total that went back belongs to a storage opened anew. */
  #raiseTo(name: Parameters<Families<typeof NODE_METRICS>['counter']>[0], total: number): void {
    const last = this.#totals.get(name) ?? 0;
    this.#totals.set(name, total);
    this.#families.counter(name).inc(total >= last ? total - last : total);
  }
}
