import { ByteReader, ByteWriter } from '../base/index.ts';
import { readFormat, readMember, readName, readOptional, writeMember, writeOptional } from './codec.ts';
import { readMap, writeMap } from './map-codec.ts';
import { decodeRecord, encodeRecord, type FormationRecord } from './record.ts';
import type { ClusterMap, Member } from './types.ts';

/**
 * What makes a store the member's that the cluster has admitted in place of the one before: the map that names it. The
 * node stores it before it takes part.
 */
export interface Admission {
  readonly record: FormationRecord;
  readonly map: ClusterMap;
}

/** Name of the file in the data directory. */
export const ADMISSION_FILE = 'admission';

const FORMAT = 1;

export function encodeAdmission({ record, map }: Admission): Buffer {
  const out = new ByteWriter().u8(FORMAT).bytes(encodeRecord(record));
  writeMap(out, map);
  return out.finish();
}

/** Throws `DecodeError`. */
export function decodeAdmission(bytes: Buffer): Admission {
  const from = new ByteReader(bytes);
  readFormat(from, FORMAT, 'an admission');
  const admission = { record: decodeRecord(from.bytes()), map: readMap(from) };
  from.end();
  return admission;
}

/** The member that a map has under a node id and store. */
export function admittedAs(map: ClusterMap, nodeId: string, storeUuid: string): Member | undefined {
  return map.members.find((member) => member.nodeId === nodeId && member.storeUuid === storeUuid);
}

const VERDICTS = ['admitted', 'elsewhere', 'refused'] as const;

/** The answer to a node that asks to be a member with a new store. */
export interface ReadmissionAnswer {
  readonly verdict: (typeof VERDICTS)[number];
  /** Why it is refused for now; it may ask again. */
  readonly reason: string;
  /** `elsewhere`: Raft address of the node to be asked. */
  readonly address: string;
  readonly admission: Admission | undefined;
}

export function encodeReadmission(member: Member): Buffer {
  const out = new ByteWriter().u8(FORMAT);
  writeMember(out, member);
  return out.finish();
}

/** Throws `DecodeError`. */
export function decodeReadmission(bytes: Buffer): Member {
  const from = new ByteReader(bytes);
  readFormat(from, FORMAT, 'the request of a node to be admitted');
  const member = readMember(from);
  from.end();
  return member;
}

export function encodeReadmissionAnswer(answer: ReadmissionAnswer): Buffer {
  const out = new ByteWriter().u8(FORMAT).text(answer.verdict).text(answer.reason).text(answer.address);
  writeOptional(out, answer.admission, (admission) => out.bytes(encodeAdmission(admission)));
  return out.finish();
}

/** Throws `DecodeError`. */
export function decodeReadmissionAnswer(bytes: Buffer): ReadmissionAnswer {
  const from = new ByteReader(bytes);
  readFormat(from, FORMAT, 'the answer to a node that asks to be admitted');
  const answer = {
    verdict: readName(from, VERDICTS),
    reason: from.text(),
    address: from.text(),
    admission: readOptional(from, (item) => decodeAdmission(item.bytes())),
  };
  from.end();
  return answer;
}
