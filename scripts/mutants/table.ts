import type { Judged, Mutant } from './types.ts';

/** docs/reference/mutants.md with all of `mutants`; those that were not judged now keep their lines of `document`. */
export function tableOf(mutants: readonly Mutant[], judged: readonly Judged[], document: string): string {
  const known = new Map([...document.matchAll(/^\| `([^`]+)` \|.*$/gm)].map(([line, name]) => [name, line]));
  for (const one of judged) known.set(one.mutant.name, lineOf(one));
  const rows = mutants.map(({ name }) => known.get(name)).filter((line) => line !== undefined);
  return [
    '# Mutants',
    '',
    '<!-- Made by `make mutants`; do not edit. -->',
    '',
    'Each line is one rule broken on purpose in the real code, and the test that notices. `make mutants` puts them in one',
    'at a time and fails when one survives; `make test` does so with the ten that matter most. The last column says how',
    'many seeds a test needed that goes through seeds.',
    '',
    '| mutant | rule that it breaks | killed by | seeds |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function lineOf({ mutant, verdict }: Judged): string {
  if (verdict.kind !== 'killed') throw new Error(`mutant ${mutant.name} is not killed`);
  const seeds = verdict.seeds === undefined ? '' : String(verdict.seeds);
  const file = mutant.killer.file.replace('server/src/', '');
  return `| \`${mutant.name}\` | ${mutant.rule} | ${cell(verdict.by)} (\`${file}\`) | ${seeds} |`;
}

/** Names of mutants that the document lacks, or has although they are gone. */
export function differencesOf(document: string, mutants: readonly Mutant[]): readonly string[] {
  const listed = [...document.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]);
  const names = mutants.map(({ name }) => name);
  return [
    ...names.filter((name) => !listed.includes(name)),
    ...listed.filter((name) => name !== undefined && !names.includes(name)),
  ].filter((name) => name !== undefined);
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
