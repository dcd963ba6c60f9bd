export type {
  CollectionStats,
  ScoredPoint,
  ScrollQuery,
  SearchQuery,
  StoredPoint,
  VectorIndexes,
} from '../engine/index.ts';
export {
  type Command,
  COMMAND_BYTES_MAX,
  COMMAND_HEADER_BYTES,
  COMMAND_POINTS_MAX,
  type CommandHeader,
  commandPointBytes,
  decodeCommand,
  encodeCommand,
  UnknownCommandError,
} from './command.ts';
export { type FetchQuery, ShardHost, type ShardHostOptions } from './shard-host.ts';
export { shardOf } from './shard-of.ts';
export {
  type CommandResult,
  type CommittedEntries,
  type CommittedEntry,
  UnreadableEntryError,
} from './state-machine.ts';
