import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from './base/index.ts';

jest.setTimeout(60_000);

const MAIN = join(__dirname, 'main.ts');

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

let directory: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'grape-main-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  await rm(directory, { recursive: true, force: true });
});

function run(args: readonly string[], env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env }, cwd: directory });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exit = once(child, 'close').then(([code]) => code as number | null);
  return { child, output: () => text, exit };
}

/** The system gives a port that was closed again to the next one that asks, now and then. */
const given = new Set<number>();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  if (given.has(port)) return freePort();
  given.add(port);
  return port;
}

interface Node extends Run {
  readonly url: string;
  readonly file: string;
  readonly env: Record<string, string>;
}

/** One node on free ports. */
async function startNode(toml = ''): Promise<Node> {
  const file = join(directory, 'config.toml');
  await writeFile(file, toml);
  const rest = await freePort();
  const env = {
    GRAPE_SERVER_HOST: '127.0.0.1',
    GRAPE_SERVER_DATA_DIR: join(directory, 'data'),
    GRAPE_SERVER_REST_PORT: String(rest),
    GRAPE_SERVER_GRPC_PORT: String(await freePort()),
    GRAPE_CLUSTER_RAFT_PORT: String(await freePort()),
    GRAPE_MONITORING_PROMETHEUS_PORT: String(await freePort()),
  };
  return { ...run(['--config', file], env), url: `http://127.0.0.1:${rest}`, file, env };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.nowMs() + 30_000;
  while (!(await holds())) {
    if (systemClock.nowMs() > deadlineMs) throw new Error(`in vain: ${what}`);
    await new Promise<void>((resolve) => systemClock.after(50, resolve));
  }
}

async function ready({ url, exit, output }: Node): Promise<void> {
  let ended = false;
  void exit.then(() => (ended = true));
  await until('the node is ready', async () => {
    if (ended) throw new Error(`the node ended:\n${output()}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  });
}

test('the version and the help are printed', async () => {
  const version = run(['--version']);
  expect(await version.exit).toBe(0);
  expect(version.output()).toMatch(/^grape-vector-db-server \d+\.\d+\.\d+\n$/);
  const help = run(['--help']);
  expect(await help.exit).toBe(0);
  expect(help.output()).toContain('--check-config');
});

test('an unknown flag is refused with the usage', async () => {
  const refused = run(['--confg', 'x']);
  expect(await refused.exit).toBe(2);
  expect(refused.output()).toMatch(/--confg.*Usage:/s);
});

test('the configuration can be checked without starting: OK, or every problem at once', async () => {
  const file = join(directory, 'config.toml');
  await writeFile(file, '[raft]\nelection_timeout_ms = 500\n');
  const good = run(['--config', file, '--check-config']);
  expect([await good.exit, good.output()]).toEqual([0, 'OK\n']);
  await writeFile(file, '[server]\nrest_port = "x"\n[raft]\nelektion = 1\n');
  const bad = run(['--config', file, '--check-config']);
  expect(await bad.exit).toBe(2);
  expect(bad.output()).toMatch(/rest_port/);
  expect(bad.output()).toMatch(/elektion/);
});

test('a node without a file serves, warns once of keys without effect, and stops on SIGTERM with 0', async () => {
  const node = await startNode('[sharding]\nrebalance_threshold = 0.2\n');
  await ready(node);
  const written = await fetch(`${node.url}/vectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"id":"a","vector":[1,2,3]}',
  });
  expect(written.status).toBe(200);
  node.child.kill('SIGTERM');
  expect(await node.exit).toBe(0);
  expect(node.output().match(/not yet in effect path=sharding\.rebalance_threshold/g)).toHaveLength(1);
  expect(node.output()).toMatch(/stopped\n$/);
});

test('a second process on the same directory is refused and leaves the first alone', async () => {
  const node = await startNode();
  await ready(node);
  const second = run([], { ...node.env, GRAPE_SERVER_REST_PORT: String(await freePort()) });
  expect(await second.exit).toBe(1);
  expect(second.output()).toContain('in use by another process');
  expect((await fetch(`${node.url}/readyz`)).status).toBe(200);
});

test('a port that is taken is named', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as { port: number };
  const refused = run([], {
    GRAPE_SERVER_HOST: '127.0.0.1',
    GRAPE_SERVER_DATA_DIR: join(directory, 'data'),
    GRAPE_SERVER_REST_PORT: String(port),
    GRAPE_SERVER_GRPC_PORT: String(await freePort()),
    GRAPE_CLUSTER_RAFT_PORT: String(await freePort()),
  });
  expect(await refused.exit).toBe(1);
  expect(refused.output()).toContain(`the REST port ${port} cannot be opened`);
  blocker.close();
});

test('a changed file is read again on SIGHUP: what can change does, the rest waits for a restart', async () => {
  const node = await startNode('[server]\nlog_level = "info"\n');
  await ready(node);
  await writeFile(node.file, '[server]\nlog_level = "debug"\n[index]\nm = 32\n');
  node.child.kill('SIGHUP');
  await until('the change is logged', () =>
    node.output().includes('read again applied=["server.log_level"]'),
  );
  await until('the other key is named', () => node.output().includes('wait for a restart keys=["index.m"]'));
  await writeFile(node.file, '[server]\nlog_level = "loud"\n');
  node.child.kill('SIGHUP');
  await until('the refusal is logged', () =>
    /changed configuration is refused.*log_level/.test(node.output()),
  );
  expect((await fetch(`${node.url}/readyz`)).status).toBe(200);
});
