import type { IncomingMessage } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';

import { GrapeError } from '../../base/index.ts';
import { parseJson } from '../../model/index.ts';
import type { AdminService, JsonObject } from '../../service/index.ts';

/** What is served now. */
const REPORTS = ['info', 'nodes', 'shards'] as const satisfies readonly (keyof AdminService)[];

/** Calls of later versions, with their methods: refused as such, so that nobody takes them for a spelling mistake. */
const LATER: readonly (readonly [path: string, ...methods: string[]])[] = [
  ['/cluster/leave', 'POST'],
  ['/cluster/migration/status', 'GET'],
  ['/cluster/settings', 'PATCH'],
  ['/cluster/events', 'GET'],
  ['/cluster/rebalance', 'POST', 'DELETE'],
  ['/cluster/rebalance/status', 'GET'],
  ['/cluster/nodes/:id/drain', 'POST'],
  ['/cluster/nodes/:id/undrain', 'POST'],
  ['/cluster/nodes/:id/transfer-leadership', 'POST'],
  ['/cluster/snapshot', 'POST'],
  ['/cluster/snapshots', 'GET'],
  ['/cluster/snapshots/:id', 'GET', 'DELETE'],
  ['/cluster/backup/:id', 'GET'],
  ['/cluster/restore', 'POST'],
  ['/cluster/restore/status', 'GET'],
  ['/cluster/consistency/check', 'GET'],
  ['/cluster/consistency/repair', 'POST'],
];

export interface AdminAppDeps {
  readonly admin: AdminService;
  /** The whole body of a request; throws coded errors, and `ClientGoneError`. */
  readonly readBody: (request: IncomingMessage) => Promise<Buffer>;
  /** Turns what a call threw into the answer. */
  readonly onError: ErrorRequestHandler;
}

/** The administrative calls: rare, so the comfort of express costs nothing. */
export function createAdminApp({ admin, readBody, onError }: AdminAppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('strict routing');
  app.enable('case sensitive routing');
  app.use('/cluster', (request, _response, next) => {
    admin.authorise(request.headers.authorization);
    next();
  });
  for (const name of REPORTS) {
    app
      .route(`/cluster/${name}`)
      .get(reportHandler(() => admin[name]()))
      .all(allowOnly(['GET', 'HEAD']));
  }
  app
    .route('/cluster/join')
    .post(async (request, response) => {
      refuseParameters(request);
      response.status(202).json(await admin.join(parseJson(await readBody(request))));
    })
    .all(allowOnly(['POST']));
  for (const [path, ...methods] of LATER) {
    app.all(path, (request, response, next) => {
      if (!methods.includes(request.method)) allowOnly(methods)(request, response, next);
      else
        throw new GrapeError(
          'UNSUPPORTED',
          `${request.method} ${request.path} is not supported by this version`,
        );
    });
  }
  app.use((request) => {
    throw new GrapeError('NOT_FOUND', `there is no ${request.path}`);
  });
  app.use(onError);
  return app;
}

function reportHandler(report: () => Promise<JsonObject>): RequestHandler {
  return async (request, response) => {
    refuseParameters(request);
    response.json(await report());
  };
}

function refuseParameters({ query }: Request): void {
  const [unknown] = Object.keys(query);
  if (unknown !== undefined)
    throw new GrapeError('UNKNOWN_KEY', `${JSON.stringify(unknown)} is not a known query parameter`);
}

function allowOnly(methods: readonly string[]): RequestHandler {
  return (request, response) => {
    response.setHeader('allow', methods.join(', '));
    throw new GrapeError('METHOD_NOT_ALLOWED', `${request.path} takes ${methods.join(', ')}`);
  };
}
