export { GrpcServer } from './grpc/grpc-server.ts';
export { createRaftMetricsServer, MetricsServer } from './metrics-server.ts';
export { type HttpTimeouts, RestServer, type RestServerDeps } from './rest/rest-server.ts';
export { WaitingDoor } from './rest/waiting-door.ts';
