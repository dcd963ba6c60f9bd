import { GrapeError } from '../../base/index.ts';
import type { Metrics } from '../../observability/index.ts';
import type { AdminService } from '../../service/index.ts';
import type { Answer } from './error-answer.ts';
import { errorAnswer } from './error-answer.ts';
import type { StatusPage } from './routes.ts';

export interface StatusDeps {
  readonly admin: AdminService;
  readonly metrics: Metrics;
  /** Version of this build. */
  readonly version: string;
  readonly uptimeSeconds: () => number;
}

/** The pages that load balancers, orchestrators and Prometheus ask for. */
export async function statusPage(page: StatusPage, deps: StatusDeps): Promise<Answer> {
  switch (page) {
    case 'health':
      return health(deps);
    case 'livez':
      return { status: 200, body: '{"status":"alive"}' };
    case 'readyz': {
      const reason = deps.admin.notReady();
      return reason === undefined
        ? { status: 200, body: '{"status":"ready"}' }
        : errorAnswer(new GrapeError('SHARD_UNAVAILABLE', `not ready: ${reason}`));
    }
    case 'metrics':
      return metricsPage(deps.metrics);
  }
}

/** What Prometheus reads. */
async function metricsPage(metrics: Metrics): Promise<Answer> {
  return { status: 200, body: await metrics.text(), headers: { 'content-type': metrics.contentType } };
}

function health({ admin, version, uptimeSeconds }: StatusDeps): Answer {
  const { status, reason, role, leaderId } = admin.health();
  const body = JSON.stringify({
    status,
    ...(reason !== undefined && { reason }),
    node_id: admin.nodeId,
    version,
    uptime_seconds: Math.floor(uptimeSeconds()),
    role,
    leader_id: leaderId ?? null,
  });
  return { status: status === 'unavailable' ? 503 : 200, body };
}
