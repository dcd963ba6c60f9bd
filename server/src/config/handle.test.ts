import { EventEmitter } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';

import { FakeClock } from '../base/index.ts';
import { fakeMachine, FOUNDER, tomlFile } from './config.fixture.ts';
import { ConfigHandle, type ReloadReport } from './handle.ts';

const withLevel = (level: string, more = ''): string => `[server]\nlog_level = "${level}"\n${more}`;

function opened(toml: string): { file: string; handle: ConfigHandle } {
  const file = tomlFile(toml);
  return { file, handle: new ConfigHandle({ file, env: {}, machine: fakeMachine }) };
}

describe('a reload', () => {
  it('swaps reloadable keys and names those that need a restart', () => {
    const { file, handle } = opened(FOUNDER);
    const before = handle.current;
    const heard: unknown[] = [];
    handle.onChange((config, applied) => heard.push([config.cluster.clusterToken, applied]));
    writeFileSync(
      file,
      FOUNDER.replace('a-token-long-enough', 'the-next-token-now').replace('dimension = 4', 'dimension = 5'),
    );
    expect(handle.reload()).toEqual({
      applied: ['cluster.cluster_token'],
      needRestart: ['vector.dimension'],
      problems: [],
    });
    expect(handle.current.cluster.clusterToken).toBe('the-next-token-now');
    expect(handle.current.vector.dimension).toBe(4);
    expect(before.cluster.clusterToken).toBe('a-token-long-enough');
    expect(heard).toEqual([['the-next-token-now', ['cluster.cluster_token']]]);
  });

  it('with a problem changes nothing', () => {
    const { file, handle } = opened(withLevel('info'));
    writeFileSync(file, withLevel('debug', 'rest_port = 0\n'));
    expect(handle.reload().problems).toEqual([expect.stringContaining('rest_port = 0')]);
    expect(handle.current.server.logLevel).toBe('info');
  });

  it('that would break a running combination changes nothing', () => {
    const { file, handle } = opened(FOUNDER);
    writeFileSync(file, '');
    expect(handle.reload().problems).toEqual([expect.stringContaining('cluster_token is missing')]);
    expect(handle.current.cluster.clusterToken).toBe('a-token-long-enough');
  });

  it('does not tell a listener that has ended', () => {
    const { file, handle } = opened(withLevel('info'));
    const heard: string[] = [];
    handle.onChange((config) => heard.push(config.server.logLevel))();
    writeFileSync(file, withLevel('debug'));
    handle.reload();
    expect(heard).toEqual([]);
  });
});

describe('watching', () => {
  /** Advances the clock until the watcher, which reads the file asynchronously, has reported something. */
  async function reported(clock: FakeClock, reports: readonly ReloadReport[], count: number): Promise<void> {
    for (let turn = 0; reports.length < count && turn < 500; turn += 1) {
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(reports).toHaveLength(count);
  }

  function watched(toml: string) {
    const { file, handle } = opened(toml);
    const clock = new FakeClock();
    const signals = new EventEmitter();
    const reports: ReloadReport[] = [];
    const stop = handle.watch({ clock, signals, report: (report) => reports.push(report) });
    return { file, handle, clock, signals, reports, stop };
  }

  it('follows the file, also when it is gone for a moment', async () => {
    const { file, handle, clock, reports, stop } = watched(withLevel('info'));
    writeFileSync(file, withLevel('debug'));
    await reported(clock, reports, 1);
    expect(handle.current.server.logLevel).toBe('debug');
    rmSync(file);
    for (let turn = 0; turn < 20; turn += 1) {
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(reports).toHaveLength(1);
    writeFileSync(file, withLevel('nonsense'));
    await reported(clock, reports, 2);
    expect(reports[1]!.problems).toEqual([expect.stringContaining('log_level = "nonsense"')]);
    writeFileSync(file, withLevel('warn'));
    await reported(clock, reports, 3);
    expect(handle.current.server.logLevel).toBe('warn');
    stop();
  });

  it('reloads on SIGHUP and says nothing when nothing is new', () => {
    const { file, handle, signals, reports, stop } = watched(withLevel('info'));
    signals.emit('SIGHUP');
    expect(reports).toEqual([]);
    writeFileSync(file, withLevel('debug'));
    signals.emit('SIGHUP');
    expect(reports.map((report) => report.applied)).toEqual([['server.log_level']]);
    stop();
    writeFileSync(file, withLevel('warn'));
    signals.emit('SIGHUP');
    expect(handle.current.server.logLevel).toBe('debug');
  });
});
