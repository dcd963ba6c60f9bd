import { FakeClock } from '../../base/index.ts';
import { WaitingDoor } from './waiting-door.ts';

test('a node that waits lives, is not ready, and says why to everybody; its port is free afterwards', async () => {
  const open = (port: number): Promise<WaitingDoor> =>
    WaitingDoor.open({
      nodeId: 'node-1',
      version: '1.2.3',
      reason: 'no room',
      clock: new FakeClock(),
      settings: { host: '127.0.0.1', port },
    });
  const door = await open(0);
  const ask = async (path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> => {
    const reply = await fetch(`http://127.0.0.1:${door.port}${path}`, init);
    return { status: reply.status, body: await reply.json() };
  };
  const refused = {
    status: 503,
    body: { error: { code: 'STORAGE_FULL', message: 'not ready: no room', retryable: true } },
  };
  expect(await ask('/livez')).toEqual({ status: 200, body: { status: 'alive' } });
  expect(await ask('/readyz')).toEqual(refused);
  expect(await ask('/vectors', { method: 'POST', body: '{"id":1}' })).toEqual(refused);
  expect(await ask('/health?x=1')).toMatchObject({
    status: 503,
    body: { status: 'unavailable', reason: 'no room', node_id: 'node-1', version: '1.2.3', leader_id: null },
  });
  const { port } = door;
  await expect(open(port)).rejects.toThrow(/EADDRINUSE/);
  await door.close();
  await (await open(port)).close();
});
