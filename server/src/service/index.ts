export {
  AdminService,
  type AdminServiceDeps,
  type ClusterReports,
  type JsonObject,
  type NodeHealth,
} from './admin-service.ts';
export { Admission, BODY_BYTES_IN_FLIGHT_MAX, REQUESTS_IN_FLIGHT_MAX } from './admission.ts';
export { ANSWER_BYTES_MAX, type NodePlan, type SearchHit } from './points-search.ts';
export {
  type CallOptions,
  PointsService,
  type PointsServiceDeps,
  type ScrollResult,
} from './points-service.ts';
export type { Patched } from './payload-patch.ts';
export type { RetryName, UpsertResult } from './points-writer.ts';
export type { Directory, Groups, GroupView, LocalFetch, LocalShards, Peers, Proposal } from './ports.ts';
export type { Read } from './read-scope.ts';
export type { ScoredPoint, StoredPoint } from '../shard/index.ts';
