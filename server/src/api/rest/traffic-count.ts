import type { Socket } from 'node:net';

import type { Metrics } from '../../observability/index.ts';

/** Counts the bytes of REST connections, after each answer what came and went since the last one. */
export class TrafficCount {
  readonly #metrics: Metrics;
  readonly #counted = new WeakMap<Socket, { received: number; sent: number }>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  count(socket: Socket): void {
    const last = this.#counted.get(socket) ?? { received: 0, sent: 0 };
    const now = { received: socket.bytesRead, sent: socket.bytesWritten };
    this.#metrics.addNetworkBytes('rest', {
      received: now.received - last.received,
      sent: now.sent - last.sent,
    });
    this.#counted.set(socket, now);
  }
}
