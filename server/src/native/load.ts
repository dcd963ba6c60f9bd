import { createRequire } from 'node:module';
import { join } from 'node:path';

/** scripts/test-native-asan.sh points the tests at another build of the addon. */
const flavour = process.env['GRAPE_NATIVE_FLAVOUR'] ?? 'release';

/** Where scripts/build-native.sh leaves the addon; `src/native` and `dist/native` are equally deep in the package. */
const addonPath = join(import.meta.dirname, '..', '..', 'native', 'build', flavour, 'grape_native.node');

let loaded: object | undefined;

/**
 * The addon, loaded once. Each half of this component names the functions that it calls (`kv-addon.ts`).
 * Throws when it has not been built (`make build`) or a library that it needs is missing.
 */
export function loadNative(): object {
  loaded ??= createRequire(import.meta.url)(addonPath) as object;
  return loaded;
}
