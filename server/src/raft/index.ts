export {
  type ConfState,
  type Entry,
  type EntryKind,
  type RaftStatus,
  type ReplicaId,
  type Role,
} from './core/index.ts';
export { type LeaderListener, RaftHost, type RaftHostDeps } from './driver/raft-host.ts';
export { LogCorruptionError } from './log/log-store.ts';
export { PeerUnavailableError, RemoteError } from './transport/errors.ts';
export type { TrafficMetrics } from './transport/frame-socket.ts';
export type { Hello, Purpose } from './transport/hello.ts';
export { PROTOCOL_VERSION } from './transport/hello.ts';
export { decodeMessages, encodeMessages } from './transport/message-codec.ts';
export { type RequestHandler, SERVICE_KIND_MIN } from './transport/peer-connection.ts';
export type { PeerAddress } from './transport/peer-link.ts';
export { PeerTransport, type PeerTransportDeps } from './transport/peer-transport.ts';
export * from './types.ts';
