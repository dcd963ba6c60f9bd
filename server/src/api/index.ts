export { GrpcServer } from './grpc/grpc-server.ts';
export { createRaftMetricsServer, MetricsServer } from './metrics-server.ts';
export { WaitingDoor } from './rest/waiting-door.ts';
export { RestServer, type RestServerDeps } from './rest/rest-server.ts';
