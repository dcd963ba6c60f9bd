/** One metric family; `docs/reference/metrics.md` is made from this table. */
export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in the unit of the metric. */
  readonly buckets?: readonly number[];
}

const QUERY_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const DISK_SECONDS = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2];

/** Answered by `/metrics` on the monitoring port and the REST port. */
export const NODE_METRICS = {
  grape_node_up: gauge('1 while the process serves.'),
  grape_query_duration_seconds: {
    type: 'summary',
    help: 'Seconds from a request to its answer, quantiles of the last minute over all operations.',
    labels: ['quantile'],
  },
  grape_query_duration_seconds_histogram: {
    type: 'histogram',
    help: 'Seconds from a request to its answer.',
    labels: ['op'],
    buckets: QUERY_SECONDS,
  },
  grape_queries_total: counter('Requests answered; status is "ok" or the error code.', 'op', 'status'),
  grape_memory_usage_bytes: gauge('Resident memory of the process.'),
  grape_memory_limit_bytes: gauge('Memory that the process may use ([server] memory_limit_mb).'),
  grape_memory_part_bytes: gauge(
    'Memory by what holds it, as each part counts itself: of the vector indexes codes, originals (float32 vectors), graph and ids; of the storage rocksdb_cache, rocksdb_memtables and rocksdb_tables; js_heap, js_buffers; other is the rest of the resident memory.',
    'part',
  ),
  grape_memory_used_bytes: gauge('Resident memory without pages of files: what the limit is about.'),
  grape_memory_short: gauge('1 while the node takes no upserts because its memory is almost used up.'),
  grape_vectors_total: gauge('Points in the local replica of a shard.', 'shard'),
  grape_index_live: gauge('Vectors in the indexes of this node that searches may return.'),
  grape_index_dead: gauge('Slots of replaced and deleted points that a rebuild would free.'),
  grape_index_rebuilds_total: counter(
    'Indexes that were made anew to free the slots of replaced and deleted points.',
  ),
  grape_index_unlinked: gauge('Vectors that searches scan because no graph holds them yet.'),
  grape_search_recall: gauge(
    'Measured recall of searches for k results with [index] ef_search candidates; absent until it was measured.',
    'k',
  ),
  grape_index_bytes: gauge('Memory of the vector indexes.'),
  grape_retry_rows: gauge('Named writes that the replicas on this node remember.'),
  grape_retry_repeated_total: counter(
    'Entries of named writes that came again and had the first result; counted by every replica.',
  ),
  grape_retry_misnamed_total: counter(
    'Entries refused (409): the name was used for another write, or the sequence is over; counted by every replica.',
  ),
  grape_retry_full_total: counter(
    'Entries refused (429): the shard remembers as many named writes as it can; counted by every replica.',
  ),
  grape_retry_evicted_total: counter('Named writes that were old enough to be forgotten.'),
  grape_cache_hits_total: counter('Blocks found in the block cache of the storage.'),
  grape_cache_misses_total: counter('Blocks that had to be read from the disk.'),
  grape_disk_usage_bytes: gauge('Bytes of all files under data_dir.'),
  grape_disk_free_bytes: gauge('Bytes that the file system of data_dir still has for this process.'),
  grape_disk_size_bytes: gauge('Size of the file system of data_dir.'),
  grape_disk_state: gauge('Room on the disk of data_dir: 0 enough, 1 almost full, 2 full.'),
  grape_disk_slow: gauge(
    '1 while synced writes take more than half an election timeout: the node leads nothing that another can lead.',
  ),
  grape_disk_available_bytes: gauge(
    'Free bytes without those that the ballast file lacks: what the limits are about.',
  ),
  grape_disk_soft_limit_bytes: gauge('Below it the node hands its leaderships over.'),
  grape_disk_hard_limit_bytes: gauge('Below it the node appends nothing.'),
  grape_disk_ballast_bytes: gauge('Size of the ballast file; 0 while the disk is full.'),
  grape_node_standing: gauge(
    '1 for what the node is: blank, member, wiped (its disk is new to the cluster), amnesiac (its store has forgotten what it promised; it takes no part) or stopped.',
    'standing',
  ),
  grape_damaged_replicas: gauge('Replicas on this node whose log cannot be trusted: they take no part.'),
  grape_disk_read_bytes_total: counter('Bytes that the process made the kernel read from disks.'),
  grape_disk_written_bytes_total: counter('Bytes that the process made the kernel write to disks.'),
  grape_network_received_bytes_total: counter('Bytes received; plane is rest or raft.', 'plane'),
  grape_network_sent_bytes_total: counter('Bytes sent; plane is rest or raft.', 'plane'),
} as const satisfies Record<string, MetricSpec>;

/** Answered by `/raft/metrics` on the Raft port. The shard label is the number of the shard, or "meta". */
export const RAFT_METRICS = {
  grape_raft_term: gauge('Current term of the group.', 'shard'),
  grape_raft_commit_index: gauge('Highest log index known to be committed.', 'shard'),
  grape_raft_applied_index: gauge('Highest log index applied on this node.', 'shard'),
  grape_raft_last_index: gauge('Last log index of this node.', 'shard'),
  grape_raft_is_leader: gauge('1 when this node leads the group.', 'shard'),
  grape_raft_has_leader: gauge('1 when this node knows a leader of the group.', 'shard'),
  grape_raft_elections_total: counter('Elections that this node started.', 'shard'),
  grape_raft_proposals_total: counter('Entries proposed on this node as leader.', 'shard'),
  grape_raft_reads_total: counter(
    'Strong reads of this node found to be current by: lease, round of heartbeats, or leader (asked by this follower).',
    'shard',
    'by',
  ),
  grape_raft_compacted_entries_total: counter('Applied entries that were removed from the log.', 'shard'),
  grape_raft_snapshots_total: counter('Snapshots, by direction: sent or received.', 'shard', 'direction'),
  grape_raft_snapshot_bytes_total: counter('Bytes of snapshots sent or received.', 'shard', 'direction'),
  grape_raft_snapshot_failures_total: counter(
    'Snapshots that did not arrive; the leader tries again.',
    'shard',
    'direction',
  ),
  grape_raft_snapshot_seconds: {
    type: 'histogram',
    help: 'Seconds from the beginning of a snapshot until it is installed.',
    labels: ['direction'],
    buckets: [0.01, 0.1, 1, 10, 60, 600],
  },
  grape_raft_peer_backlog_bytes: gauge('Bytes that wait for a peer to take them.', 'peer'),
  grape_raft_append_latency_seconds: {
    type: 'histogram',
    help: 'Seconds from proposing an entry on its leader to applying it there.',
    labels: ['shard'],
    buckets: QUERY_SECONDS,
  },
  grape_raft_fsync_latency_seconds: {
    type: 'histogram',
    help: 'Seconds of one synced write of the log; one write serves all groups of a turn.',
    labels: [],
    buckets: DISK_SECONDS,
  },
} as const satisfies Record<string, MetricSpec>;

function gauge<L extends string[]>(help: string, ...labels: L) {
  return { type: 'gauge' as const, help, labels };
}

function counter<L extends string[]>(help: string, ...labels: L) {
  return { type: 'counter' as const, help, labels };
}
