import { type ByteReader, type ByteWriter } from '../base/index.ts';
import type { FilterText } from '../model/index.ts';
import type { IndexReport, ScoredPoint, SearchPlan, StoredPoint } from '../shard/index.ts';
import type { NodeFound, NodeSearch, Page, PageQuery, PointAddress } from './shard-reader.ts';

/** Bodies of the read requests between nodes; a peer of the same format version wrote what is read here. */

export function writeSearches(writer: ByteWriter, searches: readonly NodeSearch[]): ByteWriter {
  writer.u32(searches.length);
  for (const search of searches) {
    writer
      .u32(search.k)
      .u32(search.ef ?? 0)
      .f64(search.targetRecall ?? 0);
    writer.bool(search.exact).bool(search.withPayload).bool(search.withVector).bool(search.explain);
    writeFilter(writer, search.filter);
    writer.bytes(new Uint8Array(search.vector.buffer, search.vector.byteOffset, search.vector.byteLength));
  }
  return writer;
}

export function readSearches(reader: ByteReader): NodeSearch[] {
  return list(reader, () => {
    const k = reader.u32();
    const ef = reader.u32();
    const targetRecall = reader.f64();
    const flags = {
      exact: reader.bool(),
      withPayload: reader.bool(),
      withVector: reader.bool(),
      explain: reader.bool(),
    };
    const filter = readFilter(reader);
    const candidates = {
      ef: ef === 0 ? undefined : ef,
      targetRecall: targetRecall === 0 ? undefined : targetRecall,
    };
    return { k, ...candidates, ...flags, filter, vector: alignedFloats(reader.bytes()) };
  });
}

export function writeAddresses(writer: ByteWriter, points: readonly PointAddress[]): ByteWriter {
  writer.u32(points.length);
  for (const point of points) writer.u16(point.shard).bytes(point.idKey);
  return writer;
}

export function readAddresses(reader: ByteReader): PointAddress[] {
  return list(reader, () => ({ shard: reader.u16(), idKey: reader.bytes() }));
}

export function writePageQuery(writer: ByteWriter, query: PageQuery): ByteWriter {
  writeOptional(writer, query.after);
  return writeFilter(writer.u32(query.limit).bool(query.withVector).bool(query.withPayload), query.filter);
}

export function readPageQuery(reader: ByteReader): PageQuery {
  const after = readOptional(reader);
  const limit = reader.u32();
  const parts = { withVector: reader.bool(), withPayload: reader.bool() };
  return { after, limit, ...parts, filter: readFilter(reader) };
}

export function writeFilter(writer: ByteWriter, filter: FilterText | undefined): ByteWriter {
  writer.bool(filter !== undefined);
  return filter === undefined ? writer : writer.text(filter);
}

export function readFilter(reader: ByteReader): FilterText | undefined {
  return reader.bool() ? reader.text() : undefined;
}

export function writeFound(writer: ByteWriter, found: readonly NodeFound[]): ByteWriter {
  writer.u32(found.length);
  for (const { points, plan } of found) {
    // Of use to people only: nothing is decided by it.
    writer.text(plan === undefined ? '' : JSON.stringify(plan));
    writer.u32(points.length);
    for (const point of points) {
      writer.f64(point.score).u16(point.shard).bytes(point.idKey).bool(point.isInteger).u53(point.version);
      writeOptional(writer, point.payload);
      writeOptional(writer, point.vector);
    }
  }
  return writer;
}

export function readFound(reader: ByteReader): NodeFound[] {
  return list(reader, () => {
    const plan = reader.text();
    return {
      plan: plan === '' ? undefined : (JSON.parse(plan) as SearchPlan),
      points: list(reader, () => readScored(reader)),
    };
  });
}

export function writeStored(writer: ByteWriter, points: readonly (StoredPoint | undefined)[]): ByteWriter {
  writer.u32(points.length);
  for (const point of points) {
    writer.bool(point !== undefined);
    if (point === undefined) continue;
    writer.u16(point.shard).bytes(point.idKey).bool(point.isInteger).u53(point.version);
    writer.bytes(point.vector).bytes(point.payload);
  }
  return writer;
}

export function readStored(reader: ByteReader): (StoredPoint | undefined)[] {
  return list(reader, () => {
    if (!reader.bool()) return undefined;
    const identity = {
      shard: reader.u16(),
      idKey: reader.bytes(),
      isInteger: reader.bool(),
      version: reader.u53(),
    };
    return { ...identity, vector: reader.bytes(), payload: reader.bytes() };
  });
}

export function writePage(writer: ByteWriter, page: Page): ByteWriter {
  writeOptional(writeStored(writer, page.points), page.through);
  return writer;
}

export function readPage(reader: ByteReader): Page {
  const points = readStored(reader).filter((point) => point !== undefined);
  return { points, through: readOptional(reader) };
}

export function writeIndexReports(writer: ByteWriter, reports: readonly IndexReport[]): ByteWriter {
  writer.u32(reports.length);
  for (const { number, isReady, points, skipped } of reports)
    writer.u16(number).bool(isReady).u53(points).u53(skipped);
  return writer;
}

export function readIndexReports(reader: ByteReader): IndexReport[] {
  return list(reader, () => ({
    number: reader.u16(),
    isReady: reader.bool(),
    points: reader.u53(),
    skipped: reader.u53(),
  }));
}

function readScored(reader: ByteReader): ScoredPoint {
  const score = reader.f64();
  const identity = {
    shard: reader.u16(),
    idKey: reader.bytes(),
    isInteger: reader.bool(),
    version: reader.u53(),
  };
  const payload = readOptional(reader);
  const vector = readOptional(reader);
  return {
    score,
    ...identity,
    ...(payload !== undefined && { payload }),
    ...(vector !== undefined && { vector }),
  };
}

function writeOptional(writer: ByteWriter, bytes: Buffer | undefined): void {
  writer.bool(bytes !== undefined);
  if (bytes !== undefined) writer.bytes(bytes);
}

function readOptional(reader: ByteReader): Buffer | undefined {
  return reader.bool() ? reader.bytes() : undefined;
}

/** Grows with what is read, never with the count that the bytes claim. */
function list<T>(reader: ByteReader, read: () => T): T[] {
  const items: T[] = [];
  for (let left = reader.u32(); left > 0; left -= 1) items.push(read());
  return items;
}

/** Floats need an address divisible by four, which a place within a message does not have. */
function alignedFloats(bytes: Buffer): Float32Array {
  const aligned = new Uint8Array(bytes.length);
  aligned.set(bytes);
  return new Float32Array(aligned.buffer);
}
