import { formatAddress, parseAddress, parsePeer } from './address.ts';

describe('an address', () => {
  it.each([
    ['grape-node-1:7000', { host: 'grape-node-1', port: 7000 }],
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
  ])('%s is read and written again', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(formatAddress(address)).toBe(text);
  });

  it.each([
    '',
    'host',
    ':7000',
    'host:',
    'host:0',
    'host:65536',
    'host:x',
    '::1:7000',
    'a b:1',
    'http://h:1',
    'n@h:1',
  ])('%p is refused', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('a peer', () => {
  it('is a node id at an address', () => {
    expect(parsePeer('node-1@grape-node-1:7000')).toEqual({
      nodeId: 'node-1',
      host: 'grape-node-1',
      port: 7000,
    });
    expect(parsePeer('node-1@[fd00::1]:7000')).toEqual({ nodeId: 'node-1', host: 'fd00::1', port: 7000 });
  });

  it.each([
    '',
    'node-1',
    '@host:7000',
    'node-1@host',
    'node 1@host:7000',
    '-n@host:7000',
    'a@b@host:7000',
    `${'n'.repeat(65)}@h:1`,
  ])('%p is refused', (text) => {
    expect(parsePeer(text)).toBeUndefined();
  });
});
