import { asError, type Clock, GrapeError } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';
import type { Applier, RaftMetrics, SnapshotSink } from '../types.ts';
import type { ApplyPipeline } from './apply-pipeline.ts';
import { noRoom } from './proposals.ts';
import type { Replica } from './replica.ts';
import {
  decodeFrame,
  encodeAnswer,
  type SnapshotAnswer,
  type SnapshotFrame,
  type SnapshotMessage,
} from './snapshot-frames.ts';

/** Snapshots that a node installs at the same time; a further leader is refused and tries again. */
const RECEIVING_MAX = 2;
/** A transfer that is silent for so long has been given up by its sender. */
const SILENCE_MS_MAX = 120_000;

export interface SnapshotReceiverDeps {
  readonly applier: Applier;
  readonly pipeline: ApplyPipeline;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RaftMetrics | undefined;
  /** False while the disk takes nothing that can wait. */
  readonly hasRoom: () => boolean;
  readonly replicaOf: (group: number) => Replica | undefined;
  /** Hands the message to the core; true when the core makes the snapshot its log and `generation` the state. */
  readonly offer: (replica: Replica, message: SnapshotMessage, generation: number) => boolean;
}

interface Transfer {
  readonly id: number;
  readonly fromNode: string;
  readonly replica: Replica;
  readonly message: SnapshotMessage;
  readonly sink: SnapshotSink;
  readonly startMs: number;
  heardMs: number;
  expected: number;
  bytes: number;
  isDone: boolean;
  /** Its generation is removed, or will be: it must not become the state. */
  isDropped: boolean;
  /** Frames of one transfer are taken one after the other. */
  turn: Promise<unknown>;
}

/** Fills new generations with the snapshots that leaders send, and offers each to the core when it is durable. */
export class SnapshotReceiver {
  readonly #deps: SnapshotReceiverDeps;
  /** By group: the newest, also when it is done, because its sender may ask again. */
  readonly #transfers = new Map<number, Transfer>();
  readonly #beginning = new Map<number, Promise<SnapshotAnswer>>();

  constructor(deps: SnapshotReceiverDeps) {
    this.#deps = deps;
  }

  /** Rejects with `DecodeError` or `GrapeError`; the sender begins anew. */
  async take(fromNode: string, body: Buffer): Promise<Buffer> {
    const frame = decodeFrame(body);
    if (frame.op === 'begin') return encodeAnswer(await this.#begin(fromNode, frame));
    const transfer = this.#transfers.get(frame.group);
    if (transfer?.id !== frame.transfer || transfer.fromNode !== fromNode) {
      throw new GrapeError('SHARD_UNAVAILABLE', 'the transfer is not known here');
    }
    transfer.heardMs = this.#deps.clock.nowMs();
    const taken = transfer.turn.then(() => this.#continue(transfer, frame));
    transfer.turn = taken.catch(() => undefined);
    return encodeAnswer(await taken);
  }

  /** Gives up what has fallen silent. */
  expire(): void {
    const nowMs = this.#deps.clock.nowMs();
    for (const transfer of this.#transfers.values()) {
      if (nowMs - transfer.heardMs > SILENCE_MS_MAX) this.#drop(transfer, 'its sender has fallen silent');
    }
  }

  async #begin(fromNode: string, frame: Extract<SnapshotFrame, { op: 'begin' }>): Promise<SnapshotAnswer> {
    const replica = this.#deps.replicaOf(frame.group);
    if (replica?.accepts(fromNode, frame.message) !== true) {
      throw new GrapeError('SHARD_UNAVAILABLE', 'this node has no such replica');
    }
    const known = this.#transfers.get(frame.group);
    if (known?.id === frame.transfer && known.fromNode === fromNode) return answerOf(known);
    if (!this.#deps.hasRoom()) throw noRoom();
    const { term } = replica.core.status();
    if (frame.message.term < term || (known !== undefined && frame.message.term < known.message.term)) {
      throw new GrapeError('SHARD_UNAVAILABLE', 'a later leader is known');
    }
    const beginning = this.#beginning.get(frame.group);
    const running = [...this.#transfers.values()].filter(
      (transfer) => !transfer.isDone && transfer !== known,
    ).length;
    if (beginning !== undefined || running + this.#beginning.size >= RECEIVING_MAX) {
      throw new GrapeError('TOO_MANY_REQUESTS', 'this node installs other snapshots');
    }
    if (known !== undefined) this.#drop(known, 'a newer snapshot takes its place');
    const started = this.#start(fromNode, replica, frame).finally(() => this.#beginning.delete(frame.group));
    this.#beginning.set(frame.group, started);
    return started;
  }

  async #start(
    fromNode: string,
    replica: Replica,
    { group, transfer: id, message }: Extract<SnapshotFrame, { op: 'begin' }>,
  ): Promise<SnapshotAnswer> {
    const { index, term } = message.snapshot;
    const sink = await this.#deps.applier.beginInstall(group, { index, term });
    const startMs = this.#deps.clock.nowMs();
    const progress = { expected: 0, bytes: 0, isDone: false, isDropped: false, turn: Promise.resolve() };
    const transfer = { id, fromNode, replica, message, sink, startMs, heardMs: startMs, ...progress };
    this.#transfers.set(group, transfer);
    this.#deps.logger.info('a snapshot is being received', { group, index, from: fromNode });
    return answerOf(transfer);
  }

  async #continue(transfer: Transfer, frame: SnapshotFrame): Promise<SnapshotAnswer> {
    if (transfer.isDone) return answerOf(transfer);
    if (this.#transfers.get(frame.group) !== transfer) {
      throw new GrapeError('SHARD_UNAVAILABLE', 'a newer snapshot took the place of this one');
    }
    try {
      if (!this.#deps.hasRoom()) throw noRoom();
      if (frame.op === 'chunk') await this.#write(transfer, frame);
      else if (frame.op === 'finish') await this.#finish(transfer, frame.chunks);
    } catch (error) {
      this.#drop(transfer, asError(error).message);
      throw error;
    }
    return answerOf(transfer);
  }

  /** A chunk that came before is passed over: its answer was lost. */
  async #write(
    transfer: Transfer,
    { sequence, data }: Extract<SnapshotFrame, { op: 'chunk' }>,
  ): Promise<void> {
    if (sequence !== transfer.expected) return;
    await transfer.sink.write(data);
    transfer.expected += 1;
    transfer.bytes += data.length;
  }

  async #finish(transfer: Transfer, chunks: number): Promise<void> {
    const { clock, metrics, pipeline, offer } = this.#deps;
    const { replica, message, sink, bytes, startMs } = transfer;
    if (chunks !== transfer.expected) {
      throw new GrapeError('INTERNAL', `${transfer.expected} of ${chunks} chunks of a snapshot have come`);
    }
    await sink.finish();
    if (transfer.isDropped) {
      throw new GrapeError('SHARD_UNAVAILABLE', 'a newer snapshot took the place of this one');
    }
    transfer.isDone = true;
    // When nothing of the replica waits to be applied, the core decides at once whether it needs the snapshot.
    const isTaken = await pipeline.between(() => offer(replica, message, sink.generation), replica);
    if (!isTaken) {
      await sink.abort();
      return;
    }
    const seconds = (clock.nowMs() - startMs) / 1000;
    metrics?.snapshotDone(replica.group, { direction: 'received', bytes, seconds });
  }

  #drop(transfer: Transfer, reason: string): void {
    const { group } = transfer.replica;
    if (this.#transfers.get(group) === transfer) this.#transfers.delete(group);
    if (transfer.isDone || transfer.isDropped) return;
    transfer.isDropped = true;
    const { logger, metrics } = this.#deps;
    metrics?.snapshotFailed(group, 'received');
    logger.warn('a snapshot was not received', { group, reason });
    const failed = (error: unknown): void =>
      logger.warn('the rest of a snapshot stays until the next start', {
        group,
        reason: asError(error).message,
      });
    void transfer.turn.then(() => transfer.sink.abort()).catch(failed);
  }
}

function answerOf({ isDone, expected }: Transfer): SnapshotAnswer {
  return { isDone, expected };
}
