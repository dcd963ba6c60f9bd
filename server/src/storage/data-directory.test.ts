import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeFloor } from './floor.ts';
import { type DataDirectory, openDataDirectory } from './index.ts';

let parent: string;
let path: string;
const opened: DataDirectory[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'grape-directory-'));
  path = join(parent, 'deep', 'data');
});

afterEach(async () => {
  for (const directory of opened.splice(0)) await directory.close();
  await rm(parent, { recursive: true });
});

async function start(): Promise<DataDirectory> {
  const directory = await openDataDirectory(path);
  opened.push(directory);
  return directory;
}

/** Opens, uses and closes. */
async function session(use: (directory: DataDirectory) => unknown = () => undefined): Promise<DataDirectory> {
  const directory = await openDataDirectory(path);
  try {
    await use(directory);
  } finally {
    await directory.close();
  }
  return directory;
}

const owner = { clusterId: 'c-1', nodeId: 'node1' };

test('a store keeps its uuid; every start has the next incarnation and another nonce', async () => {
  const first = await session();
  const second = await session();
  expect(first.identity).toMatchObject({ incarnation: 1, clusterId: undefined, nodeId: undefined });
  expect(second.identity).toMatchObject({ incarnation: 2, storeUuid: first.identity.storeUuid });
  expect(second.identity.bootNonce).not.toBe(first.identity.bootNonce);
  expect(first.identity.storeUuid).toMatch(/^[0-9a-f-]{36}$/);
});

test('another directory is another store', async () => {
  const first = await session();
  path = join(parent, 'other');
  expect((await session()).identity.storeUuid).not.toBe(first.identity.storeUuid);
});

test('a start that gets no further still counts: the identity is on disk before it resolves', async () => {
  await session();
  const before = await readFile(join(path, 'identity'));
  await start();
  expect(await readFile(join(path, 'identity'))).not.toEqual(before);
});

test('an adopted directory stays that of its node', async () => {
  await session(async (directory) => {
    expect(directory.isBlank).toBe(true);
    await directory.adopt(owner);
    await directory.adopt(owner);
    expect(directory.identity).toMatchObject(owner);
    await mkdir(join(path, 'raft'));
  });
  const again = await start();
  expect(again).toMatchObject({ isBlank: false, amnesia: undefined });
  expect(again.identity).toMatchObject({ ...owner, incarnation: 2 });
  for (const other of [
    { ...owner, clusterId: 'c-2' },
    { ...owner, nodeId: 'node2' },
  ]) {
    await expect(again.adopt(other)).rejects.toMatchObject({ code: 'ADOPTED_BY_ANOTHER' });
  }
  expect(again.identity).toMatchObject(owner);
});

test.each(['raft', 'data'])(
  'a directory with %s/ and no identity is refused and left as it is',
  async (store) => {
    await mkdir(join(path, store), { recursive: true });
    await expect(openDataDirectory(path)).rejects.toMatchObject({
      code: 'IDENTITY_MISSING',
      message: expect.stringContaining(`${store}/`) as string,
    });
    await expect(readFile(join(path, 'identity'))).rejects.toMatchObject({ code: 'ENOENT' });
  },
);

test('a directory that was adopted and has lost its Raft log is amnesiac', async () => {
  await session((directory) => directory.adopt(owner));
  expect(await start()).toMatchObject({ amnesia: 'the Raft log is gone', isBlank: false });
});

test('it stays amnesiac when it is started again, with the empty store that was opened meanwhile', async () => {
  await session((directory) => directory.adopt(owner));
  await session((directory) => {
    expect(directory.amnesia).toBe('the Raft log is gone');
    return mkdir(join(path, 'raft'));
  });
  for (const _ of [1, 2]) {
    await session((directory) => {
      expect(directory).toMatchObject({ amnesia: 'the Raft log is gone', isBlank: false });
      return Promise.resolve();
    });
  }
});

test('a directory that promised something in a file and has lost its Raft log is amnesiac', async () => {
  await session((directory) => directory.writeFile('record', Buffer.from('x')));
  expect(await start()).toMatchObject({ amnesia: 'the Raft log is gone', isBlank: false });
});

test('a directory that was only started is blank, not amnesiac, with and without empty stores', async () => {
  await session();
  await session((directory) => {
    expect(directory).toMatchObject({ amnesia: undefined, isBlank: true });
    return mkdir(join(path, 'raft'));
  });
  expect(await start()).toMatchObject({ amnesia: undefined, isBlank: true });
});

test('two processes cannot work in one directory, and a killed one leaves no lock', async () => {
  const other = spawn(process.execPath, [join(import.meta.dirname, 'testing', 'directory-holder.ts'), path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(other.stdout, 'data');
  await expect(openDataDirectory(path)).rejects.toMatchObject({ code: 'LOCKED' });
  other.kill('SIGKILL');
  await once(other, 'close');
  expect((await start()).identity.incarnation).toBe(2);
});

test('one process cannot open a directory twice, but again after closing it', async () => {
  const first = await start();
  await expect(openDataDirectory(path)).rejects.toMatchObject({ code: 'LOCKED' });
  await first.close();
  expect((await start()).identity.incarnation).toBe(2);
});

test('a start that fails gives the lock back', async () => {
  await mkdir(join(path, 'raft'), { recursive: true });
  await expect(openDataDirectory(path)).rejects.toMatchObject({ code: 'IDENTITY_MISSING' });
  await rm(join(path, 'raft'), { recursive: true });
  await start();
});

describe('a floor', () => {
  const floor = {
    sequence: 7,
    votes: [{ group: 65535, replicaId: 2, term: 3, vote: 1 }],
    stores: [{ storeUuid: 's', incarnation: 4, bootNonce: 'n', sequence: 99 }],
  };

  test('is kept over restarts', async () => {
    await session((directory) => directory.writeFloor(encodeFloor(floor)));
    expect((await start()).floor).toEqual(floor);
  });

  test.each(['gone', 'damaged'])(
    'that is %s makes a store that was adopted amnesiac, for good',
    async (how) => {
      await session(async (directory) => {
        await directory.adopt(owner);
        await mkdir(join(path, 'raft'));
      });
      if (how === 'gone') await rm(join(path, 'floor'));
      else await writeFile(join(path, 'floor'), 'x');
      const reason = 'the floor of the Raft log is gone or damaged';
      await session((directory) => expect(directory.amnesia).toBe(reason));
      expect((await start()).amnesia).toBe(reason);
    },
  );
});

describe('a store that has forgotten', () => {
  async function forgotten(): Promise<string> {
    const first = await session(async (directory) => {
      await directory.adopt(owner);
      await mkdir(join(path, 'raft'));
      await directory.writeFile('record', Buffer.from('x'));
      await directory.forget('it went back in time');
      expect(directory.amnesia).toBe('it went back in time');
    });
    return first.identity.storeUuid;
  }

  test('says so at every start', async () => {
    await forgotten();
    for (const _ of [1, 2]) {
      await session((directory) => expect(directory.amnesia).toBe('it went back in time'));
    }
  });

  test('is given up for another store of the same node; what it held is set aside until it is not needed', async () => {
    const former = await forgotten();
    const directory = await start();
    await directory.startAnew(['kept']);
    expect(directory).toMatchObject({ amnesia: undefined });
    expect(directory.identity).toMatchObject({ ...owner, incarnation: 1 });
    expect(directory.identity.storeUuid).not.toBe(former);
    expect((await readdir(path)).sort()).toEqual(['floor', 'identity', 'lock', `set-aside-${former}`]);
    expect((await readdir(join(path, `set-aside-${former}`))).sort()).toEqual(['floor', 'raft', 'record']);
    await directory.removeSetAside();
    expect((await readdir(path)).sort()).toEqual(['floor', 'identity', 'lock']);
  });

  test('is never itself again, wherever giving it up is cut short', async () => {
    const former = await forgotten();
    // Everything is set aside and the new identity is written, but the mark is still there.
    const before = await start();
    await before.startAnew([]);
    const { storeUuid } = before.identity;
    await before.close();
    await writeFile(join(path, 'amnesia'), await markOf('it went back in time'));
    await session(async (directory) => {
      expect(directory.amnesia).toBe('it went back in time');
      await directory.startAnew([]);
      expect([former, storeUuid]).not.toContain(directory.identity.storeUuid);
    });
  });

  /** The bytes of a mark, as another directory has them. */
  async function markOf(reason: string): Promise<Buffer> {
    const other = await openDataDirectory(join(parent, 'other'));
    await other.forget(reason);
    await other.close();
    return readFile(join(parent, 'other', 'amnesia'));
  }
});

describe('files', () => {
  test('hold what was written last, also after a restart', async () => {
    await session(async (directory) => {
      expect(await directory.readFile('record')).toBeUndefined();
      const bytes = Buffer.from('one');
      const writes = [
        directory.writeFile('record', bytes),
        directory.writeFile('record', Buffer.from('two')),
      ];
      bytes.fill(0);
      await Promise.all(writes);
      await directory.writeFile('empty', Buffer.alloc(0));
    });
    const again = await start();
    expect(await again.readFile('record')).toEqual(Buffer.from('two'));
    expect(await again.readFile('empty')).toEqual(Buffer.alloc(0));
  });

  test('a crash before the rename leaves the old content', async () => {
    const directory = await start();
    await directory.writeFile('record', Buffer.from('old'));
    await writeFile(join(path, 'record.tmp'), 'half of the n');
    expect(await directory.readFile('record')).toEqual(Buffer.from('old'));
    await directory.writeFile('record', Buffer.from('new'));
    expect(await directory.readFile('record')).toEqual(Buffer.from('new'));
  });

  test('any damaged byte and any truncation is noticed', async () => {
    const directory = await start();
    await directory.writeFile('record', Buffer.from('content'));
    const stored = await readFile(join(path, 'record'));
    for (let at = 0; at < stored.length; at += 1) {
      const damaged = Buffer.from(stored);
      damaged[at] = damaged[at]! ^ 0x10;
      await writeFile(join(path, 'record'), damaged);
      await expect(directory.readFile('record')).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
      await writeFile(join(path, 'record'), stored.subarray(0, at));
      await expect(directory.readFile('record')).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
    }
  });

  test('a file under the name of another is noticed', async () => {
    const directory = await start();
    await directory.writeFile('record', Buffer.from('content'));
    await rename(join(path, 'record'), join(path, 'other'));
    await expect(directory.readFile('other')).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
  });

  test('a damaged identity stops the start', async () => {
    await session();
    await writeFile(join(path, 'identity'), 'x');
    await expect(openDataDirectory(path)).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
  });

  test.each(['identity', 'lock', 'raft', 'floor', 'amnesia', '../x', 'x.tmp', ''])(
    '%j is no name for a file',
    async (name) => {
      const directory = await start();
      expect(() => void directory.writeFile(name, Buffer.alloc(0))).toThrow('a file has a name of its own');
    },
  );
});
