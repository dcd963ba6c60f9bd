import { formatAddress, parsePeer } from './address.ts';
import type { Settings } from './schema.ts';
import type { Peer } from './types.ts';

/** A combination of values that cannot work, or that somebody should know about. */
export interface Finding {
  /** Paths of the keys involved: nothing is said about keys whose value was refused already. */
  readonly paths: readonly string[];
  /** Names values and remedy. */
  readonly text: string;
}

/** "join_cluster or initial_peers implies enabled = true". */
export function isClusterEnabled({ cluster }: Settings): boolean {
  return cluster.enabled ?? (cluster.join_cluster || cluster.initial_peers.length > 0);
}

/** The peers of a list that has been validated. */
export function peersOf(texts: readonly string[]): readonly Peer[] {
  return texts.map(parsePeer).filter((peer) => peer !== undefined);
}

/** Combinations that are refused. */
export function impossibleCombinations(settings: Settings): readonly Finding[] {
  return [
    ...equalPorts(settings),
    ...timeouts(settings),
    ...diskLimits(settings),
    ...(isClusterEnabled(settings) ? clusterNeeds(settings) : []),
    ...disabledCluster(settings),
    ...peerLists(settings),
    ...adminAuth(settings),
  ];
}

/** Combinations that work but deserve a line in the log. */
export function riskyCombinations(settings: Settings, memoryLimitMb: number): readonly string[] {
  const { server, cluster, storage } = settings;
  const warnings: string[] = [];
  if (server.admin_auth === 'open') {
    warnings.push(
      '[server] admin_auth = "open": whoever reaches the REST port may administer the cluster; set "token"',
    );
  }
  if (cluster.cluster_token !== undefined && cluster.cluster_token.length < 16) {
    warnings.push(
      '[cluster] cluster_token has fewer than 16 characters and could be guessed; use a longer one',
    );
  }
  if (storage.cache_size_mb >= memoryLimitMb) {
    warnings.push(
      `[storage] cache_size_mb = ${storage.cache_size_mb} leaves nothing of the memory limit of ${memoryLimitMb} MiB`,
    );
  }
  const own = peersOf(cluster.initial_peers).find((peer) => peer.nodeId === cluster.node_id);
  if (
    own !== undefined &&
    cluster.raft_address !== undefined &&
    cluster.raft_address !== formatAddress(own)
  ) {
    warnings.push(
      `[cluster] raft_address = "${cluster.raft_address}" differs from the node's own entry in initial_peers`,
    );
  }
  return warnings;
}

function equalPorts({ server, cluster, monitoring }: Settings): Finding[] {
  const ports: [string, number][] = [
    ['server.grpc_port', server.grpc_port],
    ['server.rest_port', server.rest_port],
    ['cluster.raft_port', cluster.raft_port],
  ];
  if (monitoring.prometheus_enabled) ports.push(['monitoring.prometheus_port', monitoring.prometheus_port]);
  return ports.flatMap(([path, port], i) =>
    ports
      .slice(0, i)
      .filter(([, other]) => other === port)
      .map(([other]) => ({
        paths: [other, path],
        text: `${shown(other)} and ${shown(path)} are both ${port}: give each listener a port of its own`,
      })),
  );
}

function timeouts({ raft }: Settings): Finding[] {
  const { election_timeout_ms: election, heartbeat_interval_ms: heartbeat } = raft;
  if (heartbeat * 2 <= election) return [];
  return [
    {
      paths: ['raft.heartbeat_interval_ms', 'raft.election_timeout_ms'],
      text:
        `[raft] heartbeat_interval_ms = ${heartbeat} with election_timeout_ms = ${election}: one late heartbeat would ` +
        'start an election; make the election timeout at least twice the heartbeat interval',
    },
  ];
}

function diskLimits({ storage }: Settings): Finding[] {
  const { disk_soft_limit_mb: soft, disk_hard_limit_mb: hard } = storage;
  if (soft === undefined || hard === undefined || hard < soft) return [];
  return [
    {
      paths: ['storage.disk_hard_limit_mb', 'storage.disk_soft_limit_mb'],
      text:
        `[storage] disk_hard_limit_mb = ${hard} with disk_soft_limit_mb = ${soft}: writes are refused before the disk ` +
        'is full; make the hard limit smaller than the soft one',
    },
  ];
}

function clusterNeeds({ cluster, vector }: Settings): Finding[] {
  const needs = (name: string, value: unknown, remedy: string): Finding[] =>
    value !== undefined
      ? []
      : [{ paths: [`cluster.${name}`], text: `[cluster] ${name} is missing: ${remedy}` }];
  const seeds = cluster.initial_peers.length + cluster.seed_nodes.length;
  const isFounder =
    !cluster.join_cluster && peersOf(cluster.initial_peers).some((peer) => peer.nodeId === cluster.node_id);
  return [
    ...needs('node_id', cluster.node_id, 'a node of a cluster needs a name (GRAPE_NODE_ID)'),
    ...needs('node_address', cluster.node_address, 'set the host:grpc_port that others reach this node at'),
    ...needs(
      'cluster_token',
      cluster.cluster_token,
      'set the same secret on every node (GRAPE_CLUSTER_CLUSTER_TOKEN)',
    ),
    ...(seeds > 0 ? [] : [noPeers(cluster.join_cluster)]),
    ...(isFounder && vector.dimension === undefined
      ? [
          {
            paths: ['vector.dimension'],
            text: '[vector] dimension is missing: the founders of a cluster have to set it',
          },
        ]
      : []),
  ];
}

function noPeers(joins: boolean): Finding {
  const what = joins ? 'join_cluster = true' : 'enabled = true';
  const remedy = joins
    ? 'list nodes of the cluster in seed_nodes'
    : 'list the founders in initial_peers, or join with seed_nodes';
  return {
    paths: ['cluster.initial_peers', 'cluster.seed_nodes', 'cluster.enabled', 'cluster.join_cluster'],
    text: `[cluster] ${what} without initial_peers and seed_nodes: ${remedy}`,
  };
}

function disabledCluster(settings: Settings): Finding[] {
  const { cluster } = settings;
  if (isClusterEnabled(settings)) return [];
  const set = [
    ...(cluster.join_cluster ? ['join_cluster'] : []),
    ...(cluster.initial_peers.length > 0 ? ['initial_peers'] : []),
    ...(cluster.seed_nodes.length > 0 ? ['seed_nodes'] : []),
  ];
  const state = cluster.enabled === false ? 'enabled = false' : 'enabled is not set';
  return set.map((name) => ({
    paths: ['cluster.enabled', `cluster.${name}`],
    text: `[cluster] ${name} is set but ${state}: remove it, or set enabled = true`,
  }));
}

function peerLists({ cluster }: Settings): Finding[] {
  return (['initial_peers', 'seed_nodes'] as const).flatMap((name) => {
    const peers = peersOf(cluster[name]);
    const repeated = [
      ...repeatedOf(peers.map((peer) => peer.nodeId)).map((id) => `node id "${id}"`),
      ...repeatedOf(peers.map(formatAddress)).map((address) => `address "${address}"`),
    ];
    return repeated.map((what) => ({
      paths: [`cluster.${name}`],
      text: `[cluster] ${name} has the ${what} more than once: every node has an id and an address of its own`,
    }));
  });
}

function adminAuth({ server, cluster }: Settings): Finding[] {
  if (server.admin_auth === 'open' || cluster.cluster_token !== undefined) return [];
  return [
    {
      paths: ['server.admin_auth', 'cluster.cluster_token'],
      text: '[server] admin_auth = "token" without [cluster] cluster_token: nobody could sign in; set cluster_token',
    },
  ];
}

function repeatedOf(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter((value, i) => values.indexOf(value) !== i))];
}

function shown(path: string): string {
  return path.replace(/^(\w+)\.(\w+)$/, '[$1] $2');
}
