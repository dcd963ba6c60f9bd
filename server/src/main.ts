/** `grape-vector-db-server`: flags, configuration, signals. What a node is made of is in `compose-node.ts`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { asError, systemClock } from './base/index.ts';
import { beginAgain } from './begin-again.ts';
import { StartRefusedError } from './cluster/index.ts';
import { type RunningNode, startNode } from './compose-node.ts';
import { ConfigError, ConfigHandle, type ReloadReport } from './config/index.ts';
import { createLogger } from './observability/index.ts';
import { storageFaultOf } from './storage/index.ts';

const USAGE = `Usage: grape-vector-db-server [--config FILE] [--check-config]

  --config FILE    configuration in TOML; without it one node with the defaults
  --check-config   read the configuration, say what is wrong with it, and end
  --version        print the version and end
  --help           print this and end

Every key can also be set as GRAPE_<SECTION>_<KEY>; docs/reference/config.md lists them.`;

/**
 * Exit codes: the node was refused, the command line or configuration is wrong, or a second signal cut it short. A disk that
 * failed, and a defect, end in SIGABRT (134 in a shell); the log says which. After a full disk the process begins again.
 */
const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const version = (
  JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string }
).version;

const flags = readFlags();
if (flags.help === true) finish(USAGE);
if (flags.version === true) finish(`grape-vector-db-server ${version}`);
const config = readConfig(flags.config);
if (flags['check-config'] === true) finish('OK');

const { server, cluster } = config.current;
const logger = createLogger({ level: server.logLevel, nodeId: cluster.nodeId });
process.on('uncaughtException', (error) => abort(error));
process.on('unhandledRejection', (reason) => abort(asError(reason)));
logger.info('starting', { version, dataDir: server.dataDir, config: flags.config ?? 'defaults' });
for (const warning of config.warnings) logger.warn(warning);
for (const path of config.notYetInEffect) logger.warn('a key is accepted but not yet in effect', { path });

let node: RunningNode | undefined;
let isStopping = false;
process.on('SIGTERM', () => void stop('SIGTERM'));
process.on('SIGINT', () => void stop('SIGINT'));

try {
  node = await start();
} catch (error) {
  end(asError(error));
}
const endWatching = config.watch({ clock: systemClock, signals: process, report: reportReload });
config.onChange(({ server: { logLevel } }) => logger.setLevel(logLevel));
logger.info('listening', {
  rest: server.restPort,
  grpc: server.grpcPort,
  raft: cluster.raftPort,
  ...(config.current.monitoring.prometheusEnabled && { metrics: config.current.monitoring.prometheusPort }),
});

function start(): Promise<RunningNode> {
  const onForgotten = (reason: string): void => void startAgain(reason);
  return startNode({ config, version, logger, onFatal: end, onForgotten });
}

/** The disk was set back or copied, or an operator lets the store go: the node goes on as one that has forgotten. */
async function startAgain(reason: string): Promise<void> {
  logger.error('the node starts again without its store', { reason });
  try {
    if (isStopping) return;
    await node?.abandon();
    node = await start();
  } catch (error) {
    end(asError(error));
  }
}

/** The first signal stops in order, the second at once; a crash is always safe. */
async function stop(signal: string): Promise<void> {
  if (isStopping) process.exit(EXIT_INTERRUPTED);
  if (node === undefined) process.exit(0);
  isStopping = true;
  logger.info('stopping', { signal });
  endWatching();
  try {
    await node.stop();
  } catch (error) {
    abort(asError(error));
  }
  logger.info('stopped');
  await logger.close();
  process.exit(0);
}

/** A refusal, and whatever prevents a start, is the operator's to mend. Later failures may be defects: abort. */
function end(error: Error): never {
  if (storageFaultOf(error) === 'full') abort(error);
  if (error instanceof StartRefusedError) logger.error('the node must not run', { reason: error.message });
  else if (node === undefined) logger.error('the node cannot start', { reason: error.message, error });
  else abort(error);
  process.exit(EXIT_REFUSED);
}

/**
 * Aborts: nothing closes a store that failed, which would write to it again, and nobody who waits for an answer gets one
 * that what is in memory could not keep. A full disk ends in the same way, for the store that was refused room has failed
 * too; but nothing is wrong with the disk, so that the process begins again: it gives up the ballast, or waits for room.
 */
function abort(error: Error): never {
  const reason = error.message;
  switch (storageFaultOf(error)) {
    case 'full':
      logger.error('the disk is full: the process begins again', { reason });
      // Whoever asked it to stop does not want another one.
      if (!isStopping) beginAgain(process, { pause: node === undefined });
      break;
    case 'failed':
      logger.error('the disk has failed: the process ends', { reason });
      break;
    case undefined:
      logger.error('the process cannot go on', { error });
  }
  process.abort();
}

function reportReload({ applied, needRestart, problems }: ReloadReport): void {
  if (applied.length > 0) logger.info('the configuration was read again', { applied });
  if (needRestart.length > 0) logger.warn('changed keys wait for a restart', { keys: needRestart });
  for (const problem of problems) logger.error('the changed configuration is refused', { problem });
}

function readFlags() {
  try {
    return parseArgs({
      options: {
        config: { type: 'string' },
        'check-config': { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    console.error(`${asError(error).message}\n\n${USAGE}`);
    process.exit(EXIT_USAGE);
  }
}

function readConfig(file: string | undefined): ConfigHandle {
  try {
    return new ConfigHandle({ file, env: process.env });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(EXIT_USAGE);
  }
}

function finish(text: string): never {
  console.log(text);
  process.exit(0);
}
