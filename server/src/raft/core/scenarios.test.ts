import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performStory, titleOf } from './testing/scenario.ts';

/** `UPDATE_SCENARIOS=1` writes down what comes out; the difference is then for the reviewer to judge. */
const isUpdating = process.env['UPDATE_SCENARIOS'] === '1';
const folder = join(__dirname, 'scenarios');

describe('scenarios', () => {
  for (const file of readdirSync(folder).sort()) {
    const path = join(folder, file);
    const expected = readFileSync(path, 'utf8');

    it(`${file}: ${titleOf(expected)}`, () => {
      const actual = performStory(expected);
      if (isUpdating) writeFileSync(path, actual);
      else expect(actual).toBe(expected);
    });
  }
});
