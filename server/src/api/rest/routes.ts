import { GrapeError } from '../../base/index.ts';
import { POINT_CALLS, type PointCall } from './point-calls.ts';

/** Where a request goes. */
export type Route =
  | {
      readonly kind: 'points';
      readonly call: PointCall;
      /** Still percent-encoded; empty without one. */ readonly id: string;
    }
  | { readonly kind: 'status'; readonly page: StatusPage }
  | { readonly kind: 'admin' }
  | { readonly kind: 'wrongMethod'; readonly allow: string }
  | { readonly kind: 'unknown' };

export type StatusPage = 'health' | 'livez' | 'readyz' | 'metrics';

type Methods = Readonly<Partial<Record<string, Route>>>;

const UNKNOWN: Route = { kind: 'unknown' };
const ADMIN: Route = { kind: 'admin' };

const points = (call: PointCall): Route => ({ kind: 'points', call, id: '' });
const page = (name: StatusPage): Methods => ({ GET: { kind: 'status', page: name } });

/** Paths without parameters. A verb under `/vectors/` shares its path with the point of that id. */
const FIXED: ReadonlyMap<string, Methods> = new Map<string, Methods>([
  ['/vectors', { POST: points(POINT_CALLS.upsert) }],
  ['/vectors/search/batch', { POST: points(POINT_CALLS.searchBatch) }],
  ['/health', page('health')],
  ['/livez', page('livez')],
  ['/readyz', page('readyz')],
  ['/metrics', page('metrics')],
  ['/indexes', { GET: points(POINT_CALLS.indexes), POST: points(POINT_CALLS.createIndex) }],
]);

const VERBS: ReadonlyMap<string, Route> = new Map([
  ['delete', points(POINT_CALLS.deleteMany)],
  ['search', points(POINT_CALLS.search)],
  ['scroll', points(POINT_CALLS.scroll)],
  ['count', points(POINT_CALLS.count)],
]);

/** `path` has no query string and is still percent-encoded. */
export function findRoute(method: string, path: string): Route {
  const fixed = FIXED.get(path);
  if (fixed !== undefined) return byMethod(method, fixed);
  if (path.startsWith('/vectors/')) return pointRoute(method, path.slice('/vectors/'.length));
  if (path.startsWith('/cluster/')) return ADMIN;
  if (path.startsWith('/indexes/')) {
    const drop: Route = { kind: 'points', call: POINT_CALLS.dropIndex, id: path.slice('/indexes/'.length) };
    return byMethod(method, { DELETE: drop });
  }
  return UNKNOWN;
}

/** The id of a path. Throws INVALID_REQUEST for what is not percent-encoded UTF-8. */
export function decodePathSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new GrapeError('INVALID_ID', 'the id in the path is not valid percent-encoded UTF-8');
  }
}

function pointRoute(method: string, rest: string): Route {
  const slash = rest.indexOf('/');
  if (slash >= 0) {
    const patch: Route = { kind: 'points', call: POINT_CALLS.patch, id: rest.slice(0, slash) };
    return rest.slice(slash) === '/payload' ? byMethod(method, { PATCH: patch }) : UNKNOWN;
  }
  const verb = VERBS.get(rest);
  return byMethod(method, {
    GET: { kind: 'points', call: POINT_CALLS.get, id: rest },
    DELETE: { kind: 'points', call: POINT_CALLS.delete, id: rest },
    ...(verb !== undefined && { POST: verb }),
  });
}

/** HEAD is GET without the body, which `node:http` leaves out by itself. */
function byMethod(method: string, methods: Methods): Route {
  const route = methods[method === 'HEAD' ? 'GET' : method];
  if (route !== undefined) return route;
  const allowed = Object.keys(methods).flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
  return { kind: 'wrongMethod', allow: allowed.join(', ') };
}
