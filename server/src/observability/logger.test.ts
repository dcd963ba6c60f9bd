import { Writable } from 'node:stream';

import { createLogger, type LoggerOptions, type RootLogger } from './logger.ts';

function logged(options: Partial<LoggerOptions>, write: (logger: RootLogger) => void): Promise<string[]> {
  const lines: string[] = [];
  const output = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      lines.push(chunk);
      done();
    },
  });
  const logger = createLogger({ level: 'info', nodeId: 'node-1', output, ...options });
  write(logger);
  return logger.close().then(() => lines);
}

const TIME = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z';

describe('a log line', () => {
  it('is text with time, level, node, message and fields', async () => {
    const [line] = await logged({}, (logger) =>
      logger.warn('a peer was refused', { peer: 'node-2', reason: 'wrong token', tries: 3 }),
    );
    expect(line).toMatch(
      new RegExp(`^${TIME} WARN {2}node-1 a peer was refused peer=node-2 reason="wrong token" tries=3\\n$`),
    );
  });

  it('is one JSON object under json', async () => {
    const [line] = await logged({ json: true }, (logger) =>
      logger.info('started', { port: 6333, term: 5n, level: 'x' }),
    );
    expect(JSON.parse(line!)).toEqual({
      time: expect.stringMatching(new RegExp(`^${TIME}$`)) as string,
      ...{ level: 'info', node: 'node-1', message: 'started', port: 6333, term: '5', field_level: 'x' },
    });
  });

  it('carries the stack of an error', async () => {
    for (const json of [true, false]) {
      const [line] = await logged({ json }, (logger) =>
        logger.error('failed', { error: new RangeError('too far') }),
      );
      expect(line).toContain('RangeError: too far');
      expect(line).toContain('logger.test.ts');
    }
  });

  it('survives a field that JSON cannot express', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const json of [true, false]) {
      const [line] = await logged({ json }, (logger) =>
        logger.info('kept', { cycle, nothing: undefined, fine: 1 }),
      );
      expect(line).toMatch(/kept.*not printable.*null.*fine/);
    }
  });

  it('stays one line, whatever a message or a field holds', async () => {
    for (const json of [true, false]) {
      const lines = await logged({ json }, (logger) => logger.info('a\nb', { field: 'c\nd' }));
      expect(lines.join('').trimEnd().split('\n')).toHaveLength(1);
    }
  });
});

describe('a logger', () => {
  it('drops lines below its level, which can change for children too', async () => {
    const lines = await logged({ level: 'warn' }, (logger) => {
      const child = logger.child({ shard: 3 });
      child.info('dropped');
      logger.setLevel('debug');
      child.debug('kept');
      logger.setLevel('error');
      child.warn('dropped');
    });
    expect(lines.join('')).toMatch(/^\S+ DEBUG node-1 kept shard=3\n$/);
  });

  it('adds the fields of all its parents, the nearest winning', async () => {
    const [line] = await logged({}, (logger) =>
      logger.child({ a: 1, b: 1 }).child({ b: 2 }).info('x', { c: 3 }),
    );
    expect(line).toContain('x a=1 b=2 c=3');
  });
});
