import { ByteReader, ByteWriter } from '../base/index.ts';
import {
  readFormat,
  readList,
  readMember,
  readSettings,
  writeList,
  writeMember,
  writeSettings,
} from './codec.ts';
import { byNodeId, type ClusterSettings, type Member } from './types.ts';

/**
 * The birth certificate of a cluster: who founded it, on which disks, with which settings. A founder stores it before
 * its first vote, holds at most one, and never changes it. Any two majorities of the same founders share a founder, so
 * at most one record of a set of founders can ever elect a leader.
 */
export interface FormationRecord {
  readonly clusterId: string;
  /** Ascending by node id; the position counted from 1 is the replica id in every group. */
  readonly founders: readonly Member[];
  readonly settings: ClusterSettings;
}

/** Name of the file in the data directory. */
export const RECORD_FILE = 'formation';

const FORMAT = 1;

export function encodeRecord(record: FormationRecord): Buffer {
  const out = new ByteWriter();
  out.u8(FORMAT).text(record.clusterId);
  writeList(out, record.founders, (founder) => writeMember(out, founder));
  writeSettings(out, record.settings);
  return out.finish();
}

/** Throws `DecodeError`. */
export function decodeRecord(bytes: Buffer): FormationRecord {
  const from = new ByteReader(bytes);
  readFormat(from, FORMAT, 'the formation record');
  const clusterId = from.text();
  const founders = readList(from, readMember).sort(byNodeId);
  const settings = readSettings(from);
  from.end();
  return { clusterId, founders, settings };
}

export function founderOf(record: FormationRecord, nodeId: string): Member | undefined {
  return record.founders.find((founder) => founder.nodeId === nodeId);
}
