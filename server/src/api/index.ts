export { GrpcServer } from './grpc/grpc-server.ts';
export { createRaftMetricsServer, MetricsServer } from './metrics-server.ts';
export { RestServer, type RestServerDeps } from './rest/rest-server.ts';
