import type { Server } from 'node:http';

import type { Clock } from '../base/index.ts';

/** Rejects when the address cannot be bound. */
export function listen(
  server: Server,
  address: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Stops accepting, waits for what is in flight, and cuts off what is left after `graceMs`. */
export async function closeServer(
  server: Server,
  o: { readonly clock: Clock; readonly graceMs: number },
): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    // The only error is that the server was not listening.
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const cut = o.clock.after(o.graceMs, () => server.closeAllConnections());
  await closed;
  cut.cancel();
}
