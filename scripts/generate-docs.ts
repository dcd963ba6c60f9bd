/** Writes docs/reference from the tables of the code; with --check only says what is out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ERRORS } from '../server/src/base/index.ts';
import { CONFIG_KEYS, type ConfigKey } from '../server/src/config/index.ts';
import { type MetricSpec, NODE_METRICS, RAFT_METRICS } from '../server/src/observability/index.ts';

const DIRECTORY = join(import.meta.dirname, '..', 'docs', 'reference');
const GENERATED = '<!-- Made by scripts/generate-docs.ts; do not edit. -->';

const documents: Readonly<Record<string, string>> = {
  'config.md': configReference(),
  'errors.md': errorReference(),
  'metrics.md': metricReference(),
};

const stale = Object.entries(documents).filter(([name, text]) => currentText(name) !== text);
if (process.argv.includes('--check')) {
  for (const [name] of stale)
    console.error(`docs/reference/${name} is out of date: run node scripts/generate-docs.ts`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [name, text] of stale) writeFileSync(join(DIRECTORY, name), text);
}

function currentText(name: string): string | undefined {
  try {
    return readFileSync(join(DIRECTORY, name), 'utf8');
  } catch {
    return undefined;
  }
}

function configReference(): string {
  const sections = [...new Set(CONFIG_KEYS.map((key) => key.section))];
  return page(
    'Configuration',
    'The server reads one TOML file (`--config FILE`). Every key can also be set by the environment variable beside it',
    '(lists are separated by commas, an empty variable counts as not set). Precedence: flags, environment, file,',
    'defaults. Unknown keys, wrong types and impossible combinations are refused at start, all at once; unknown `GRAPE_*`',
    'variables only warn. The file is read again on SIGHUP and when it changes: keys marked *reloadable* take effect',
    'at once, others at the next start. `join_cluster = true` or `initial_peers` turns `enabled` on.',
    '',
    ...sections.flatMap((section) => [
      `## [${section}]`,
      '',
      ...table(
        ['key', 'value', 'default', 'meaning', 'variable'],
        CONFIG_KEYS.filter((key) => key.section === section).map(configRow),
      ),
      '',
    ]),
    '## Not yet in effect',
    '',
    'These keys are accepted with any valid value and named once in the log at start; their part comes with a later version.',
    '',
    ...table(
      ['key', 'comes with'],
      CONFIG_KEYS.flatMap((key) =>
        key.later === undefined ? [] : [[`\`${key.path}\`${exceptInert(key)}`, key.later]],
      ),
    ),
  );
}

function configRow(key: ConfigKey): string[] {
  const marks = [
    ...(key.reloadable === true ? [' *Reloadable.*'] : []),
    ...(key.later === undefined ? [] : [' *Not yet in effect.*']),
  ];
  const constant = key.default === undefined ? 'none' : `\`${JSON.stringify(key.default)}\``;
  return [
    `\`${key.name}\``,
    key.expects,
    key.derived ?? constant,
    key.doc + marks.join(''),
    `\`${key.variable}\``,
  ];
}

function exceptInert(key: ConfigKey): string {
  return key.inert === undefined ? '' : ` other than \`${JSON.stringify(key.inert)}\``;
}

function errorReference(): string {
  const rows = Object.entries(ERRORS).map(([code, spec]) => [
    `\`${code}\``,
    String(spec.http),
    String(spec.grpc),
    spec.class,
    spec.retryable ? 'yes' : 'no',
    spec.advice,
  ]);
  return page(
    'Errors',
    'Every refused request is answered `{"error":{"code","message","retryable"}}`, some with `details`. *Retryable*: the same',
    'request may be sent again as it is. 429 and 503 promise that nothing was and nothing will be applied.',
    '',
    ...table(['code', 'HTTP', 'gRPC', 'class', 'retryable', 'what to do'], rows),
  );
}

function metricReference(): string {
  return page(
    'Metrics',
    'Counters and latencies are up to date at every scrape; gauges are refreshed every `metrics_interval_secs`.',
    '',
    '## `/metrics` (REST port and `prometheus_port`)',
    '',
    ...metricTable(NODE_METRICS),
    '',
    'Beside these, the `process_*` and `nodejs_*` metrics of prom-client: CPU, descriptors, heap, garbage collection and',
    '`nodejs_eventloop_lag_*_seconds`.',
    '',
    '## `/raft/metrics` (Raft port)',
    '',
    'The label `shard` is the number of the shard, or `meta`.',
    '',
    ...metricTable(RAFT_METRICS),
  );
}

function metricTable(specs: Readonly<Record<string, MetricSpec>>): string[] {
  const rows = Object.entries(specs).map(([name, spec]) => [
    `\`${name}\``,
    spec.type,
    spec.labels.map((label) => `\`${label}\``).join(', '),
    spec.help,
  ]);
  return table(['name', 'type', 'labels', 'meaning'], rows);
}

function page(title: string, ...lines: readonly string[]): string {
  return `${[GENERATED, '', `# ${title}`, '', ...lines].join('\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
