import { ByteReader, ByteWriter, DecodeError, unreachable } from '../../base/index.ts';
import type {
  Consistency,
  DeleteRequest,
  FilterText,
  PatchRequest,
  PointId,
  PointWrite,
  ScrollRequest,
  SearchRequest,
  UpsertRequest,
} from '../../model/index.ts';
import type { BodyKind, ParsedBody } from './parsed-body.ts';

/**
 * A validated request as one block of bytes: what crosses from the parsing thread to the main thread without being
 * copied again. Both sides are one build, so the format carries no version.
 */

const KINDS = [
  'upsert',
  'delete',
  'search',
  'search_batch',
  'scroll',
  'count',
  'patch',
] as const satisfies readonly BodyKind[];
const CONSISTENCIES = ['strong', 'leader', 'eventual'] as const satisfies readonly Consistency[];

export function encodeParsed(body: ParsedBody, sizeHint: number): Buffer {
  const writer = new ByteWriter(sizeHint).u8(KINDS.indexOf(body.kind));
  switch (body.kind) {
    case 'upsert':
      writer.bool(body.request.single).u32(body.request.points.length);
      writeCondition(writer, body.request.ifVersion);
      for (const point of body.request.points) writePoint(writer, point);
      break;
    case 'delete':
      writeDelete(writer, body.request);
      break;
    case 'patch':
      writer.bytes(body.request.set).u32(body.request.unset.length);
      for (const key of body.request.unset) writer.text(key);
      writeCondition(writer, body.request.ifVersion);
      break;
    case 'search':
      writeSearch(writer, body.request);
      break;
    case 'search_batch':
      writer.u32(body.request.length);
      for (const search of body.request) writeSearch(writer, search);
      break;
    case 'scroll':
      writeScroll(writer, body.request);
      break;
    case 'count':
      writeFilter(writer, body.request.filter);
      writeConsistency(writer, body.request.consistency);
      break;
    default:
      unreachable(body);
  }
  return writer.finish();
}

/** Ids, vectors and payloads are views of `bytes`. */
export function decodeParsed(bytes: Uint8Array): ParsedBody {
  const reader = new ByteReader(bytes);
  const kind = KINDS[reader.u8()];
  switch (kind) {
    case 'upsert':
      return { kind, request: readUpsert(reader) };
    case 'delete':
      return { kind, request: readDelete(reader) };
    case 'patch':
      return { kind, request: readPatch(reader) };
    case 'search':
      return { kind, request: readSearch(reader) };
    case 'search_batch':
      return { kind, request: list(reader, readSearch) };
    case 'scroll':
      return { kind, request: readScroll(reader) };
    case 'count':
      return { kind, request: { filter: readFilter(reader), consistency: readConsistency(reader) } };
    case undefined:
      throw new DecodeError('a parsed body has a known kind');
    default:
      return unreachable(kind);
  }
}

function readUpsert(reader: ByteReader): UpsertRequest {
  const single = reader.bool();
  const count = reader.u32();
  const condition = readCondition(reader);
  return { single, points: Array.from({ length: count }, () => readPoint(reader)), ...condition };
}

function writeDelete(writer: ByteWriter, request: DeleteRequest): void {
  writer.bool(request.kind === 'filter');
  if (request.kind === 'filter') {
    writer.text(request.filter);
    return;
  }
  writer.u32(request.ids.length);
  for (const id of request.ids) writeId(writer, id);
  writeCondition(writer, request.ifVersion);
}

function readDelete(reader: ByteReader): DeleteRequest {
  if (reader.bool()) return { kind: 'filter', filter: reader.text() };
  return { kind: 'ids', ids: list(reader, readId), ...readCondition(reader) };
}

function readPatch(reader: ByteReader): PatchRequest {
  const set = reader.bytes();
  return { set, unset: list(reader, () => reader.text()), ...readCondition(reader) };
}

function writeCondition(writer: ByteWriter, ifVersion: number | undefined): void {
  writer.bool(ifVersion !== undefined).u53(ifVersion ?? 0);
}

function readCondition(reader: ByteReader): { readonly ifVersion?: number } {
  const isGiven = reader.bool();
  const ifVersion = reader.u53();
  return isGiven ? { ifVersion } : {};
}

function writePoint(writer: ByteWriter, point: PointWrite): void {
  writeId(writer, point.id);
  writer.bytes(point.vector).bytes(point.payload);
}

function readPoint(reader: ByteReader): PointWrite {
  return { id: readId(reader), vector: reader.bytes(), payload: reader.bytes() };
}

function writeId(writer: ByteWriter, id: PointId): void {
  writer.bytes(id.key).bool(id.isInteger);
}

function readId(reader: ByteReader): PointId {
  return { key: reader.bytes(), isInteger: reader.bool() };
}

function writeSearch(writer: ByteWriter, search: SearchRequest): void {
  const { vector } = search;
  writer.bytes(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
  writeFilter(writer, search.filter);
  writer.u32(search.limit).u32(search.offset);
  writer.bool(search.scoreThreshold !== undefined).f64(search.scoreThreshold ?? 0);
  writer.bool(search.withPayload).bool(search.withVector);
  writer
    .u32(search.ef ?? 0)
    .f64(search.targetRecall ?? 0)
    .bool(search.exact);
  writeConsistency(writer, search.consistency);
}

function readSearch(reader: ByteReader): SearchRequest {
  const vector = floats(reader.bytes());
  const filter = readFilter(reader);
  const bounds = { limit: reader.u32(), offset: reader.u32() };
  const hasThreshold = reader.bool();
  const threshold = reader.f64();
  const parts = { withPayload: reader.bool(), withVector: reader.bool() };
  const ef = reader.u32();
  const targetRecall = reader.f64();
  return {
    vector,
    filter,
    ...bounds,
    scoreThreshold: hasThreshold ? threshold : undefined,
    ...parts,
    ef: ef === 0 ? undefined : ef,
    ...(targetRecall > 0 && { targetRecall }),
    exact: reader.bool(),
    consistency: readConsistency(reader),
  };
}

function writeScroll(writer: ByteWriter, scroll: ScrollRequest): void {
  writer.u32(scroll.limit).bool(scroll.cursor !== undefined);
  writer.bytes(scroll.cursor ?? Buffer.alloc(0));
  writeFilter(writer, scroll.filter);
  writer.bool(scroll.withVector).bool(scroll.withPayload);
  writeConsistency(writer, scroll.consistency);
}

function readScroll(reader: ByteReader): ScrollRequest {
  const limit = reader.u32();
  const hasCursor = reader.bool();
  const cursor = reader.bytes();
  return {
    limit,
    cursor: hasCursor ? cursor : undefined,
    filter: readFilter(reader),
    withVector: reader.bool(),
    withPayload: reader.bool(),
    consistency: readConsistency(reader),
  };
}

function writeFilter(writer: ByteWriter, filter: FilterText | undefined): void {
  writer.bool(filter !== undefined);
  if (filter !== undefined) writer.text(filter);
}

function readFilter(reader: ByteReader): FilterText | undefined {
  return reader.bool() ? reader.text() : undefined;
}

function writeConsistency(writer: ByteWriter, consistency: Consistency): void {
  writer.u8(CONSISTENCIES.indexOf(consistency));
}

function readConsistency(reader: ByteReader): Consistency {
  const consistency = CONSISTENCIES[reader.u8()];
  if (consistency === undefined) throw new DecodeError('a parsed body has a known consistency');
  return consistency;
}

function list<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  return Array.from({ length: reader.u32() }, () => read(reader));
}

/** Floats need an address divisible by four, which a place within the block does not have. */
function floats(bytes: Buffer): Float32Array {
  const aligned = new Uint8Array(bytes.length);
  aligned.set(bytes);
  return new Float32Array(aligned.buffer);
}
