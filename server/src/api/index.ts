export { GrpcServer } from './grpc/grpc-server.ts';
export { createRaftMetricsServer, MetricsServer } from './metrics-server.ts';
export { type HttpTimeouts, RestServer, type RestServerDeps } from './rest/rest-server.ts';
export { WaitingServer } from './waiting-server.ts';
