import type { IncomingMessage, ServerResponse } from 'node:http';

import { UndrainedBodyError } from './request-body.ts';
import type { Answer } from './error-answer.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** In the answer, in the log and in errors. */
  readonly requestId: string;
  /** `Clock.nowMs` of its arrival: deadlines count from here. */
  readonly startMs: number;
  /** Without the query string, still percent-encoded. */
  readonly path: string;
  /** After the `?`; empty without one. */
  readonly queryText: string;
}

/** Headers that every answer has. */
export interface CommonHeaders {
  readonly nodeId: string;
  /** Who leads what was asked for: the shard of a point, otherwise the cluster. */
  readonly leader: string | undefined;
  /** The server is stopping: the client shall use another connection. */
  readonly isStopping: boolean;
}

/** Writes the answer unless the client has gone. */
export function send(exchange: Exchange, answer: Answer, common: CommonHeaders): void {
  const { response } = exchange;
  if (response.headersSent || response.destroyed) return;
  response.writeHead(answer.status, {
    'content-type': JSON_TYPE,
    'content-length': Buffer.byteLength(answer.body),
    ...commonHeaders(exchange.requestId, common),
    ...(answer.isLast === true && { connection: 'close' }),
    ...answer.headers,
  });
  response.end(answer.body);
}

export function commonHeaders(requestId: string, common: CommonHeaders): Record<string, string> {
  return {
    'x-grape-node': common.nodeId,
    'x-grape-request-id': requestId,
    ...(common.leader !== undefined && { 'x-grape-leader': common.leader }),
    ...(common.isStopping && { connection: 'close' }),
  };
}

/** After an unread rest of a body nothing else can be understood on this connection. */
export function mustClose(error: Error): boolean {
  return error instanceof UndrainedBodyError;
}
