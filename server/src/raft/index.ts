export type { DiskRoom } from './driver/append-gate.ts';
export { RaftHost } from './driver/raft-host.ts';
export type { TrafficMetrics } from './transport/frame-socket.ts';
export { lostAgainst, storedSequence } from './log/floor-check.ts';
export { PROTOCOL_VERSION } from './transport/hello.ts';
export { PeerTransport } from './transport/peer-transport.ts';
export * from './types.ts';
