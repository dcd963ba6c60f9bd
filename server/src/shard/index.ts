export {
  type CompiledFilter,
  compiledFilter,
  type CountQuery,
  type IndexReport,
  matches,
  type ScoredPoint,
  type ScrollPage,
  type ScrollQuery,
  SearchNotes,
  type SearchPlan,
  type SearchQuery,
  type StoredPoint,
  type TimedFilter,
} from '../engine/index.ts';
export {
  addsNothing,
  type Command,
  COMMAND_BYTES_MAX,
  COMMAND_HEADER_BYTES,
  COMMAND_POINTS_MAX,
  commandPointBytes,
  decodeCommand,
  type Delete,
  encodeCommand,
  type PointCommand,
  type RetryTag,
  type Upsert,
  stampCommand,
  UnknownCommandError,
} from './command.ts';
export { CLAIM_CHUNK, homeShardOf } from './retries.ts';
export { LogClock } from './log-clock.ts';
export { ShardHost } from './shard-host.ts';
export { shardOf } from './shard-of.ts';
export { type CommandResult, readCommandResult, writeCommandResult } from './command-result.ts';
export { type CommittedEntry, UnreadableEntryError } from './state-machine.ts';
