import { ByteReader, ByteWriter } from '../base/index.ts';
import { readFormat, readList, readName, readOptional, writeList, writeOptional } from './codec.ts';
import { DISK_STATES, type DiskState } from '../storage/index.ts';
import type { ReplicaProgress } from './ports.ts';
import type { NodeAddresses } from './types.ts';

const ROLES = ['leader', 'follower', 'learner', 'candidate'] as const;
const PROGRESS = ['probe', 'replicate', 'snapshot'] as const;

/** One replica as its own node sees it. */
export interface GroupReport {
  readonly group: number;
  readonly replicaId: number;
  readonly role: (typeof ROLES)[number];
  readonly term: number;
  readonly leaderNode: string | undefined;
  readonly commit: number;
  readonly applied: number;
  /** The log cannot be trusted: the replica takes no part. */
  readonly isDamaged: boolean;
  /** Index of the entry that made the configuration that this replica goes by at least, also after a power loss. */
  readonly durableConfiguration: number;
  /** In force here; on the leader only. */
  readonly configuration: GroupConfiguration | undefined;
  /** Points over all collections; 0 for `meta`. */
  readonly vectors: number;
  /** All replicas of the group; on the leader only. */
  readonly progress: readonly ReplicaProgress[];
}

export interface GroupConfiguration {
  /** Of the entry that made it. */
  readonly index: number;
  readonly voters: readonly number[];
  /** Not empty while the configuration is joint. */
  readonly votersOutgoing: readonly number[];
  readonly learners: readonly number[];
}

/** What every member tells every other one each second. */
export interface NodeStatus {
  readonly nodeId: string;
  readonly version: string;
  readonly addresses: NodeAddresses;
  readonly zone: string;
  /** It is about to end: nothing should be handed over to it. */
  readonly isStopping: boolean;
  /** Version of the newest cluster map that it knows; 0: none. */
  readonly mapVersion: number;
  /** Room on its disk: a leadership goes only where it is `ok`. */
  readonly disk: DiskState;
  /** Its disk takes long to sync: it should lead nothing. */
  readonly isDiskSlow: boolean;
  readonly groups: readonly GroupReport[];
}

const FORMAT = 4;

export function encodeNodeStatus(status: NodeStatus): Buffer {
  const out = new ByteWriter(2048).u8(FORMAT);
  out.text(status.nodeId).text(status.version).text(status.zone);
  out.text(status.addresses.raft).text(status.addresses.grpc).text(status.addresses.rest);
  out.bool(status.isStopping).u53(status.mapVersion).text(status.disk).bool(status.isDiskSlow);
  writeList(out, status.groups, (report) => writeReport(out, report));
  return out.finish();
}

/** Throws `DecodeError`. */
export function decodeNodeStatus(bytes: Buffer): NodeStatus {
  const from = new ByteReader(bytes);
  readFormat(from, FORMAT, 'a node status');
  const status = {
    nodeId: from.text(),
    version: from.text(),
    zone: from.text(),
    addresses: { raft: from.text(), grpc: from.text(), rest: from.text() },
    isStopping: from.bool(),
    mapVersion: from.u53(),
    disk: readName(from, DISK_STATES),
    isDiskSlow: from.bool(),
    groups: readList(from, readReport),
  };
  from.end();
  return status;
}

function writeReport(out: ByteWriter, report: GroupReport): void {
  out.u16(report.group).u53(report.replicaId).text(report.role).u53(report.term);
  writeOptional(out, report.leaderNode, (nodeId) => out.text(nodeId));
  out.u53(report.commit).u53(report.applied).u53(report.vectors);
  out.bool(report.isDamaged).u53(report.durableConfiguration);
  writeOptional(out, report.configuration, (configuration) => writeConfiguration(out, configuration));
  writeList(out, report.progress, ({ replica, isLearner, match, state, recentActive }) =>
    out.u53(replica).bool(isLearner).u53(match).text(state).bool(recentActive),
  );
}

function writeConfiguration(out: ByteWriter, configuration: GroupConfiguration): void {
  const { index, voters, votersOutgoing, learners } = configuration;
  out.u53(index);
  for (const replicas of [voters, votersOutgoing, learners]) {
    writeList(out, replicas, (replica) => out.u53(replica));
  }
}

function readConfiguration(from: ByteReader): GroupConfiguration {
  const replicas = (): number[] => readList(from, (bytes) => bytes.u53());
  return { index: from.u53(), voters: replicas(), votersOutgoing: replicas(), learners: replicas() };
}

function readReport(from: ByteReader): GroupReport {
  return {
    group: from.u16(),
    replicaId: from.u53(),
    role: readName(from, ROLES),
    term: from.u53(),
    leaderNode: readOptional(from, (bytes) => bytes.text()),
    commit: from.u53(),
    applied: from.u53(),
    vectors: from.u53(),
    isDamaged: from.bool(),
    durableConfiguration: from.u53(),
    configuration: readOptional(from, readConfiguration),
    progress: readList(from, (bytes) => ({
      replica: bytes.u53(),
      isLearner: bytes.bool(),
      match: bytes.u53(),
      state: readName(bytes, PROGRESS),
      recentActive: bytes.bool(),
    })),
  };
}
