import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const MODULE = pathToFileURL(join(import.meta.dirname, 'begin-again.ts')).href;

/** Holds a port and an open file, promises to write, and begins again once; the second image tries all of it. */
const SCRIPT = `
import { appendFileSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { beginAgain } from '${MODULE}';

const file = process.argv[2];
const isSecond = process.env.PORT !== undefined;
const open = readdirSync('/proc/self/fd').flatMap((fd) => {
  try { return [readlinkSync('/proc/self/fd/' + fd)]; } catch { return []; }
});
const server = createServer();
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(2), flags: process.execArgv, holdsFile: open.includes(file) }));
  if (isSecond) process.exit(7);
  openSync(file, 'a');
  process.env.PORT = String(server.address().port);
  process.on('exit', () => appendFileSync(file, 'an exit handler ran'));
  setImmediate(() => appendFileSync(file, 'the former process went on'));
  beginAgain(process, { pause: false });
});
`;

test('a process that begins again keeps its id, command and environment, and nothing that it had open', () => {
  const directory = mkdtempSync(join(tmpdir(), 'grape-again-'));
  try {
    const [script, file] = [join(directory, 'script.ts'), join(directory, 'file')];
    writeFileSync(script, SCRIPT);
    const child = spawnSync(process.execPath, ['--max-semi-space-size=4', script, file], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(child.stderr).toBe('');
    const one = { pid: child.pid, args: [file], flags: ['--max-semi-space-size=4'], holdsFile: false };
    expect(
      child.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([one, one]);
    expect(child.status).toBe(7);
    expect(spawnSync('cat', [file], { encoding: 'utf8' }).stdout).toBe('');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
