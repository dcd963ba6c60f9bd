import type { DataDirectory } from '../storage/index.ts';
import { type Admission, ADMISSION_FILE, admittedAs, decodeAdmission } from './admission.ts';
import { parseAddress } from './addresses.ts';
import { REJOIN_FILE } from './give-up.ts';
import type { HostPort } from './ports.ts';
import { decodeRecord, founderOf, type FormationRecord, RECORD_FILE } from './record.ts';
import { type ClusterOptions, StartRefusedError } from './types.ts';

/** Where a node stands between a blank disk and membership. Only a `member` votes and serves. */
export type Standing =
  /** Nothing on the disk; may become a founder or be joined. */
  | { readonly kind: 'blank'; readonly reason: string }
  /** Never becomes a founder: there is data, but no record. */
  | { readonly kind: 'stopped'; readonly reason: string }
  /** The cluster knows this node under another store. */
  | {
      readonly kind: 'wiped';
      readonly reason: string;
      /** Founders of the cluster, which may know more. */
      readonly contacts: readonly HostPort[];
    }
  /** Holds the record, but its log is gone: it may have voted and acknowledged what it no longer knows. */
  | { readonly kind: 'amnesiac'; readonly record: FormationRecord; readonly reason: string }
  | {
      readonly kind: 'member';
      readonly record: FormationRecord;
      /** When the cluster has admitted this store in place of another one. */
      readonly admission?: Admission;
    };

interface OpenRequest {
  readonly options: ClusterOptions;
  readonly directory: DataDirectory;
  readonly holdsData: boolean;
}

/** What the directory says about the node at start. Finishes an adoption that a crash interrupted. */
export async function openStanding({ options, directory, holdsData }: OpenRequest): Promise<Standing> {
  const admission = await readAdmission(options, directory);
  const bytes = await directory.readFile(RECORD_FILE);
  const record = admission?.record ?? (bytes === undefined ? undefined : decodeRecord(bytes));
  refuseForeignDirectory(options, directory, { record, isAdmitted: admission !== undefined });
  if (record === undefined)
    return (await standingAnew(options, directory)) ?? standingWithoutRecord(options, directory, holdsData);
  if (directory.identity.clusterId === undefined) {
    await directory.adopt({ clusterId: record.clusterId, nodeId: options.nodeId });
  }
  if (directory.amnesia === undefined) return { kind: 'member', record, ...(admission && { admission }) };
  const reason = `${directory.path} has forgotten what it promised (${directory.amnesia}): ${options.nodeId} neither votes nor serves`;
  return { kind: 'amnesiac', record, reason };
}

/** Undefined when there is none, or it is one for a store that this one shall become. */
async function readAdmission(
  { nodeId }: ClusterOptions,
  directory: DataDirectory,
): Promise<Admission | undefined> {
  const bytes = await directory.readFile(ADMISSION_FILE);
  const admission = bytes === undefined ? undefined : decodeAdmission(bytes);
  if (admission === undefined) return undefined;
  const { storeUuid } = directory.identity;
  return admittedAs(admission.map, nodeId, storeUuid) === undefined ? undefined : admission;
}

/** Of a store that took the place of one that had forgotten what it promised. */
async function standingAnew(
  { nodeId, autoRejoin }: ClusterOptions,
  directory: DataDirectory,
): Promise<Standing | undefined> {
  const bytes = await directory.readFile(REJOIN_FILE);
  if (bytes === undefined || directory.identity.clusterId === undefined) return undefined;
  const { clusterId, founders } = decodeRecord(bytes);
  const { storeUuid } = directory.identity;
  const contacts = founders.map(({ raftAddress }) => parseAddress(raftAddress));
  const what = `${nodeId} of cluster ${clusterId} comes with a new store (${storeUuid}), because the one before had forgotten what it promised`;
  return { kind: 'wiped', reason: `${what}; ${nextOf(autoRejoin)}`, contacts };
}

/** What a node does whose store the cluster does not know. */
export function nextOf(autoRejoin: boolean): string {
  return autoRejoin ? 'asks to be admitted with it' : 'auto_rejoin is false: waits for POST /cluster/join';
}

function standingWithoutRecord(
  options: ClusterOptions,
  directory: DataDirectory,
  holdsData: boolean,
): Standing {
  const { clusterId } = directory.identity;
  if (clusterId !== undefined || holdsData) {
    const whose = clusterId === undefined ? 'data' : `data of cluster ${clusterId}`;
    return { kind: 'stopped', reason: `${directory.path} holds ${whose} without a formation record` };
  }
  if (options.clusterId !== undefined) {
    const reason = `cluster_id is ${options.clusterId} and the directory is blank: it never forms a cluster`;
    return { kind: 'blank', reason: `${reason}; it waits to be admitted` };
  }
  return { kind: 'blank', reason: 'waiting for the founders, or for POST /cluster/join' };
}

function refuseForeignDirectory(
  options: ClusterOptions,
  directory: DataDirectory,
  { record, isAdmitted }: { readonly record: FormationRecord | undefined; readonly isAdmitted: boolean },
): void {
  const { identity, path } = directory;
  if (identity.nodeId !== undefined && identity.nodeId !== options.nodeId) {
    throw new StartRefusedError(
      `${path} is the directory of node ${identity.nodeId}, this node is ${options.nodeId}: correct node_id or data_dir`,
    );
  }
  const clusterId = record?.clusterId ?? identity.clusterId;
  if (options.clusterId !== undefined && clusterId !== undefined && clusterId !== options.clusterId) {
    throw new StartRefusedError(
      `${path} belongs to cluster ${clusterId}, cluster_id is ${options.clusterId}: correct cluster_id or data_dir`,
    );
  }
  if (record === undefined) return;
  if (identity.clusterId !== undefined && identity.clusterId !== record.clusterId) {
    throw new StartRefusedError(
      `${path} holds the record of cluster ${record.clusterId} and the identity of ${identity.clusterId}`,
    );
  }
  if (isAdmitted) return;
  if (founderOf(record, options.nodeId)?.storeUuid !== identity.storeUuid) {
    throw new StartRefusedError(`${path} holds a formation record that was made for another disk`);
  }
}
