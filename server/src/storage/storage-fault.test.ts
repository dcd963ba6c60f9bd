import { KvError, type KvErrorCode, PoisonedError, storageFaultOf } from './index.ts';

const withCode = (code: string): Error => Object.assign(new Error(code), { code });
const kvError = (code: KvErrorCode): KvError => new KvError(code, code, { code: 5, subcode: 0, severity: 0 });

test.each([
  ['a file system without room', withCode('ENOSPC'), 'full'],
  ['a quota that is used up', withCode('EDQUOT'), 'full'],
  ['a store without room', kvError('KV_NO_SPACE'), 'full'],
  ['a store poisoned by the lack of room', new PoisonedError(kvError('KV_NO_SPACE')), 'full'],
  ['a failed sync', kvError('KV_IO_ERROR'), 'failed'],
  ['a hole in the log', kvError('KV_CORRUPTION'), 'failed'],
  ['a conflict that RocksDB calls busy', kvError('KV_BUSY'), 'failed'],
  ['a store poisoned by a failed sync', new PoisonedError(kvError('KV_IO_ERROR')), 'failed'],
  ['a file that cannot be read', withCode('EIO'), 'failed'],
  ['an error that names a failed disk as its cause', new Error('no', { cause: withCode('EROFS') }), 'failed'],
  ['a full queue, where nothing was tried', new KvError('KV_BUSY', 'full'), undefined],
  ['a store that was closed', new KvError('KV_CLOSED', 'closed'), undefined],
  ['a defect', new TypeError('not a function'), undefined],
])('%s: %s is %s', (_, error, fault) => {
  expect(storageFaultOf(error)).toBe(fault);
});
