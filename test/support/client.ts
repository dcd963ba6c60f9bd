export interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

export interface Hit {
  readonly id: string | number;
  readonly score: number;
  readonly payload?: Record<string, unknown>;
}

/** One call to one node; a broken connection is a rejection, every HTTP answer a reply. */
export function call(url: string, method: string, path: string, body?: unknown): Promise<Reply> {
  return callWith({}, { url, method, path, body });
}

/** The same with headers of its own. */
export async function callWith(
  headers: Readonly<Record<string, string>>,
  target: {
    readonly url: string;
    readonly method: string;
    readonly path: string;
    readonly body?: unknown;
    readonly timeoutMs?: number;
  },
): Promise<Reply> {
  const { url, method, path, body } = target;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(target.timeoutMs ?? 30_000),
  });
  const text = await response.text();
  const parsed: unknown = text.startsWith('{') ? JSON.parse(text) : { text };
  return { status: response.status, body: parsed as Record<string, unknown>, headers: response.headers };
}

export function errorCode(reply: Reply): string | undefined {
  return (reply.body['error'] as { code?: string } | undefined)?.code;
}

export async function upsert(
  url: string,
  point: { id: string | number; vector: number[]; payload?: object },
): Promise<Reply> {
  return call(url, 'POST', '/vectors', point);
}

export async function search(url: string, request: object): Promise<Hit[]> {
  const reply = await call(url, 'POST', '/vectors/search', request);
  if (reply.status !== 200) throw new Error(`search: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body['results'] as Hit[];
}

export async function count(url: string, request: object = {}): Promise<number> {
  const reply = await call(url, 'POST', '/vectors/count', request);
  if (reply.status !== 200) throw new Error(`count: ${reply.status} ${JSON.stringify(reply.body)}`);
  return reply.body['count'] as number;
}

/** Runs `task` for 0..count-1, at most `parallel` at a time. */
export async function inParallel(
  total: number,
  parallel: number,
  task: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) await task(next++);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
