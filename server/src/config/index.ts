export { ConfigHandle, type ConfigListener, type ReloadReport, type SignalSource } from './handle.ts';
export { loadConfig, type LoadOptions } from './load.ts';
export { type Machine } from './machine.ts';
export { CONFIG_KEYS, type ConfigKey } from './schema.ts';
export {
  type BackupConfig,
  type ClusterConfig,
  type Config,
  ConfigError,
  type IndexConfig,
  type LoadedConfig,
  type LogLevel,
  type MonitoringConfig,
  type Peer,
  type RaftConfig,
  type ServerConfig,
  type ShardingConfig,
  type StorageConfig,
  type VectorConfig,
} from './types.ts';
