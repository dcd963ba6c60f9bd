import { ByteReader, ByteWriter } from '../base/index.ts';
import {
  readFormat,
  readList,
  readMember,
  readName,
  readOptional,
  writeList,
  writeMember,
  writeOptional,
} from './codec.ts';
import { readMap, writeMap } from './map-codec.ts';
import { decodeRecord, encodeRecord, type FormationRecord } from './record.ts';
import type { ExplicitSettings } from './settings.ts';
import type { ClusterMap, Member } from './types.ts';

/** Kinds of requests between nodes; 16 to 31 belong to the cluster. */
export const RPC = {
  describe: 16,
  record: 17,
  status: 18,
  changeGroup: 19,
  readmit: 20,
  permit: 21,
  isPermitted: 22,
  changeIndex: 23,
} as const;

const STANDINGS = ['blank', 'stopped', 'wiped', 'member'] as const;

/** What a node tells about itself to anyone with the cluster token, member or not. */
export interface NodeDescription {
  /** As it would stand in a record: its own store and the addresses it advertises. */
  readonly member: Member;
  /**
   * `blank`: holds nothing and may be founded. `stopped`: holds data without a record, or is told never to form.
   * `wiped`: a cluster knows this node under another store. `member`: holds `record`.
   */
  readonly standing: (typeof STANDINGS)[number];
  readonly reason: string;
  /** Node ids that its file lists as founders; undefined when it waits to be named by others. */
  readonly founders: readonly string[] | undefined;
  /** Node ids that its file names as seeds. */
  readonly seeds: readonly string[];
  readonly explicit: ExplicitSettings;
  readonly record: FormationRecord | undefined;
  /** Of a member: the newest map that it knows. */
  readonly map: ClusterMap | undefined;
}

const VERDICTS = ['accepted', 'wiped', 'refused'] as const;

/** The answer of a founder to the record that was sent to it. */
export interface RecordAnswer {
  readonly verdict: (typeof VERDICTS)[number];
  readonly reason: string;
}

const FORMAT = 2;

export function encodeDescription(description: NodeDescription): Buffer {
  const out = new ByteWriter().u8(FORMAT);
  writeMember(out, description.member);
  out.text(description.standing).text(description.reason);
  writeOptional(out, description.founders, (founders) =>
    writeList(out, founders, (nodeId) => out.text(nodeId)),
  );
  writeList(out, description.seeds, (nodeId) => out.text(nodeId));
  writeList(out, [...description.explicit], ([path, value]) => out.text(path).text(value));
  writeOptional(out, description.record, (record) => out.bytes(encodeRecord(record)));
  writeOptional(out, description.map, (map) => writeMap(out, map));
  return out.finish();
}

/** Throws `DecodeError`. */
export function decodeDescription(bytes: Buffer): NodeDescription {
  const from = new ByteReader(bytes);
  readFormat(from, FORMAT, 'the description of a node');
  const description = {
    member: readMember(from),
    standing: readName(from, STANDINGS),
    reason: from.text(),
    founders: readOptional(from, (list) => readList(list, (item) => item.text())),
    seeds: readList(from, (item) => item.text()),
    explicit: new Map(readList(from, (item): [string, string] => [item.text(), item.text()])),
    record: readOptional(from, (item) => decodeRecord(item.bytes())),
    map: readOptional(from, readMap),
  };
  from.end();
  return description;
}

export function encodeRecordAnswer(answer: RecordAnswer): Buffer {
  return new ByteWriter().u8(FORMAT).text(answer.verdict).text(answer.reason).finish();
}

/** Throws `DecodeError`. */
export function decodeRecordAnswer(bytes: Buffer): RecordAnswer {
  const from = new ByteReader(bytes);
  readFormat(from, FORMAT, 'the answer to a formation record');
  const answer = { verdict: readName(from, VERDICTS), reason: from.text() };
  from.end();
  return answer;
}
