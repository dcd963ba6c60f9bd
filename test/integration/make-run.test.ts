import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SCRIPT = join(__dirname, '..', '..', 'scripts', 'run.ts');
const run = promisify(execFile);

jest.setTimeout(180_000);

/** Starts the launcher, waits until it has printed what to try next, hands the output to `body`, then interrupts it. */
async function withLauncher(
  options: { directory: string; nodes: number },
  body: (output: string) => Promise<void>,
): Promise<string> {
  const env = { ...process.env, NODES: String(options.nodes), PORT_OFFSET: '900' };
  const child = spawn('node', [SCRIPT], {
    cwd: options.directory,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const printed = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Ctrl-C stops everything')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the launcher ended with ${String(code)}: ${output}`)));
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    await printed;
    await body(output);
  } finally {
    child.kill('SIGINT');
  }
  expect(await ended).toBe(0);
  return output;
}

test.each([1, 3])(
  'make run with %d node(s) loads the sample, prints lines that work, and keeps the data',
  async (nodes) => {
    const directory = await mkdtemp(join(tmpdir(), 'grape-run-'));
    try {
      const first = await withLauncher({ directory, nodes }, async (output) => {
        const lines = output.split('\n').filter((line) => line.startsWith('curl '));
        expect(lines.length).toBeGreaterThanOrEqual(4);
        for (const line of lines) {
          const { stdout } = await run('sh', ['-c', `${line} -s --fail-with-body`]);
          expect(stdout).toMatch(/"cluster_id"|"id":42|"results":\[\{"id":|"deleted":true/);
        }
      });
      expect(first).toContain('4000 of 4000 points');
      expect(first).toContain('stopped');
      const second = await withLauncher({ directory, nodes }, () => Promise.resolve());
      expect(second).toContain('already holds 3999 points');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
