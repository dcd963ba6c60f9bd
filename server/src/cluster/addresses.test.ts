import { DecodeError } from '../base/index.ts';
import { isAddress, parseAddress } from './addresses.ts';

test.each([
  ['grape-node-1:7000', { host: 'grape-node-1', port: 7000 }],
  ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
  ['[::1]:7000', { host: '::1', port: 7000 }],
])('%s is an address', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
});

test.each(['', 'host', 'host:', ':7000', 'host:0', 'host:65536', '::1:7000', 'a b:1', 'host:7000x'])(
  "'%s' is no address",
  (text) => {
    expect(isAddress(text)).toBe(false);
    expect(() => parseAddress(text)).toThrow(DecodeError);
  },
);
