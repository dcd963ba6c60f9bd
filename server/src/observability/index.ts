export {
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type RootLogger,
  silentLogger,
} from './logger.ts';
export { machineCollector } from './machine-collector.ts';
export { MemoryGuard, type MemoryRoom } from './memory-guard.ts';
export { type MetricSpec, NODE_METRICS, RAFT_METRICS } from './metric-table.ts';
export {
  type Collector,
  type DiskUsage,
  type MemoryPart,
  Metrics,
  type QueryOp,
  type QueryStatus,
} from './metrics.ts';
export { type GroupGauges, RaftMetrics } from './raft-metrics.ts';
