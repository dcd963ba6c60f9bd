import { fakeMachine } from './config.fixture.ts';
import { memoryLimitMb } from './machine.ts';

const limitWith = (files: Record<string, string>) =>
  memoryLimitMb({ ...fakeMachine, readFile: (path) => files[path] });

describe('the memory limit', () => {
  it.each([
    ['that of the machine without control groups', {}, 8192],
    [
      'that of a container, whose own group is the root',
      { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '1073741824\n' },
      1024,
    ],
    [
      'the least of the groups around it',
      {
        '/proc/self/cgroup': '0::/pods/one\n',
        '/sys/fs/cgroup/pods/one/memory.max': 'max\n',
        '/sys/fs/cgroup/pods/memory.max': '2147483648\n',
        '/sys/fs/cgroup/memory.max': '4294967296\n',
      },
      2048,
    ],
    [
      'that of control groups version 1',
      {
        '/proc/self/cgroup': '12:cpu,cpuacct:/x\n5:memory:/docker/abc\n0::/\n',
        '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '536870912\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      },
      512,
    ],
    [
      'never more than the machine has',
      { '/proc/self/cgroup': '0::/', '/sys/fs/cgroup/memory.max': '99999999999999' },
      8192,
    ],
  ])('is %s', (_what, files: Record<string, string>, expected) => {
    expect(limitWith(files)).toBe(expected);
  });
});
