import { asError, type Clock, pause, type Random } from '../../base/index.ts';
import type { Logger } from '../../observability/index.ts';
import { PeerUnavailableError } from '../transport/errors.ts';
import type { Applier, RaftLink, RaftMetrics, SnapshotSource } from '../types.ts';
import type { ApplyPipeline } from './apply-pipeline.ts';
import type { Replica } from './replica.ts';
import {
  decodeAnswer,
  encodeFrame,
  SNAPSHOT_KIND,
  type SnapshotAnswer,
  type SnapshotFrame,
  type SnapshotMessage,
} from './snapshot-frames.ts';

/** Snapshots that a node sends at the same time; the others wait. */
const SENDING_MAX = 2;
/** For one request; the last one waits for the flush at the receiver. */
const REQUEST_MS_MAX = 60_000;
/** A broken connection is tried again this often without progress. */
const ATTEMPTS_MAX = 20;
const RETRY_MS = 500;
/** When the configuration does not say. */
export const SNAPSHOT_BYTES_PER_SECOND = 64 * 2 ** 20;

export interface SnapshotSenderDeps {
  readonly link: RaftLink;
  readonly applier: Applier;
  readonly pipeline: ApplyPipeline;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: RaftMetrics | undefined;
  /** Of all snapshots of this node together. */
  readonly bytesPerSecond: () => number;
  /** The core has learnt what became of a snapshot. */
  readonly onReported: (replica: Replica) => void;
}

interface Job {
  readonly replica: Replica;
  readonly message: SnapshotMessage;
  isCancelled: boolean;
}

/** Sends the applied state to followers whose entries are no longer in the log. */
export class SnapshotSender {
  readonly #deps: SnapshotSenderDeps;
  /** By group and receiver: the newest. */
  readonly #jobs = new Map<string, Job>();
  readonly #waiting: Job[] = [];
  /** By group and receiver: why the last one was not sent, as the log says. */
  readonly #reasons = new Map<string, string>();
  #running = 0;
  #freeAtMs = 0;
  #isClosed = false;

  constructor(deps: SnapshotSenderDeps) {
    this.#deps = deps;
  }

  /** The core wants `message` to be sent; what is sent may be a later state. */
  send(replica: Replica, message: SnapshotMessage): void {
    const key = keyOf(replica, message);
    const former = this.#jobs.get(key);
    if (former !== undefined) former.isCancelled = true;
    const job = { replica, message, isCancelled: false };
    this.#jobs.set(key, job);
    this.#waiting.push(job);
    this.#next();
  }

  close(): void {
    this.#isClosed = true;
  }

  #next(): void {
    while (this.#running < SENDING_MAX && !this.#isClosed) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#running += 1;
      void this.#run(job).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  async #run(job: Job): Promise<void> {
    const { clock, metrics } = this.#deps;
    const { replica, message } = job;
    const key = keyOf(replica, message);
    const startMs = clock.nowMs();
    let isSent = false;
    try {
      const bytes = await this.#transfer(job);
      isSent = true;
      this.#reasons.delete(key);
      const seconds = (clock.nowMs() - startMs) / 1000;
      metrics?.snapshotDone(replica.group, { direction: 'sent', bytes, seconds });
    } catch (error) {
      if (!this.#isClosed) {
        metrics?.snapshotFailed(replica.group, 'sent');
        this.#warn(job, asError(error).message);
      }
    }
    if (this.#jobs.get(key) === job) this.#jobs.delete(key);
    if (this.#isClosed || job.isCancelled || replica.isClosed) return;
    replica.core.reportSnapshot(message.to, isSent);
    this.#deps.onReported(replica);
  }

  /** Says once why it does not go on: the leader tries again and again. */
  #warn({ replica, message }: Job, reason: string): void {
    const key = keyOf(replica, message);
    if (this.#reasons.get(key) === reason) return;
    this.#reasons.set(key, reason);
    this.#deps.logger.warn('a snapshot was not sent; the leader tries again', {
      group: replica.group,
      to: replica.nodes.get(message.to),
      reason,
    });
  }

  /** Answers the bytes sent. */
  async #transfer(job: Job): Promise<number> {
    const { replica, message } = job;
    const { source, confState } = await this.#open(replica);
    try {
      const { index, term } = source;
      const transfer = Math.floor(this.#deps.random.next() * 2 ** 32);
      const at = { group: replica.group, transfer };
      const snapshot = { index, term, confState };
      let answer = await this.#ask(job, { ...at, op: 'begin', message: { ...message, snapshot } });
      let sequence = 0;
      let bytes = 0;
      for await (const data of source.chunks()) {
        if (answer.isDone) return bytes;
        await this.#pace(data.length);
        answer = await this.#ask(job, { ...at, op: 'chunk', sequence, data });
        sequence += 1;
        bytes += data.length;
        if (!answer.isDone && answer.expected !== sequence) throw new Error('the receiver lost its place');
      }
      if (!answer.isDone) await this.#ask(job, { ...at, op: 'finish', chunks: sequence });
      return bytes;
    } finally {
      source.close();
    }
  }

  /** Between two calls of the state machine, so that index and configuration belong to what is read. */
  #open(
    replica: Replica,
  ): Promise<{ source: SnapshotSource; confState: SnapshotMessage['snapshot']['confState'] }> {
    return this.#deps.pipeline.between(async () => {
      const source = await this.#deps.applier.openSnapshot(replica.group);
      const { confState } = replica.log.snapshot();
      // After a restart the stored configuration may be that of entries which are not applied again yet.
      if (replica.log.configurationIndex <= source.index) return { source, confState };
      source.close();
      throw new Error('the state is behind the configuration');
    });
  }

  /** Asks again while the connection is broken: what arrived twice is counted once. */
  async #ask(job: Job, frame: SnapshotFrame): Promise<SnapshotAnswer> {
    const { link, clock } = this.#deps;
    const { replica, message } = job;
    const body = encodeFrame(frame);
    for (let attempt = 1; ; attempt += 1) {
      this.#checkWanted(job);
      try {
        const node = replica.nodes.get(message.to) ?? 'nobody';
        return decodeAnswer(await link.requestBulk(node, SNAPSHOT_KIND, body, REQUEST_MS_MAX));
      } catch (error) {
        if (!(error instanceof PeerUnavailableError) || attempt === ATTEMPTS_MAX) throw error;
      }
      await pause(clock, RETRY_MS);
    }
  }

  #checkWanted({ replica, message, isCancelled }: Job): void {
    if (this.#isClosed || isCancelled || replica.isClosed) throw new Error('it is not wanted any more');
    const { role, term } = replica.core.status();
    if (role !== 'leader' || term !== message.term) throw new Error('the leadership has ended');
  }

  async #pace(bytes: number): Promise<void> {
    const { clock, bytesPerSecond } = this.#deps;
    const waitMs = this.#freeAtMs - clock.nowMs();
    this.#freeAtMs = Math.max(this.#freeAtMs, clock.nowMs()) + (bytes * 1000) / bytesPerSecond();
    if (waitMs > 0) await pause(clock, waitMs);
  }
}

function keyOf(replica: Replica, message: SnapshotMessage): string {
  return `${replica.group}/${message.to}`;
}
