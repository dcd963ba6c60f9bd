import { createLogger as createWinston, format, type Logger as Winston, transports } from 'winston';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LogFields = Readonly<Record<string, unknown>>;

/** Structured log of a node. Messages are sentences without values; values go into the fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

/** The logger of the process: its level can change while it runs, also for its children. */
export interface RootLogger extends Logger {
  setLevel(level: LogLevel): void;
  /** Resolves when every line written so far has been handed to the output. */
  close(): Promise<void>;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly nodeId: string;
  /** One JSON object a line; otherwise `time LEVEL node message key=value`. */
  readonly json?: boolean;
  /** Where lines go, without their newline; standard output by default. */
  readonly output?: NodeJS.WritableStream;
}

export function createLogger(options: LoggerOptions): RootLogger {
  const { output } = options;
  const transport =
    output === undefined ? new transports.Console() : new transports.Stream({ stream: output, eol: '\n' });
  const winston = createWinston({
    level: options.level,
    format: options.json === true ? jsonFormat : textFormat,
    defaultMeta: { node: options.nodeId },
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston types its transports by interfaces
    transports: [transport],
  });
  return new WinstonLogger(winston);
}

/** Drops everything: for tests and tools. */
export const silentLogger: Logger = {
  debug: drop,
  info: drop,
  warn: drop,
  error: drop,
  child: () => silentLogger,
};

function drop(): void {
  // A silent logger has nothing to do.
}

class WinstonLogger implements RootLogger {
  readonly #root: Winston;
  readonly #fields: LogFields;

  constructor(root: Winston, fields: LogFields = {}) {
    this.#root = root;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields);
  }

  child(fields: LogFields): Logger {
    return new WinstonLogger(this.#root, { ...this.#fields, ...fields });
  }

  setLevel(level: LogLevel): void {
    this.#root.level = level;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#root.once('finish', () => {
        resolve();
      });
      this.#root.end();
    });
  }

  #log(level: LogLevel, message: string, fields: LogFields = {}): void {
    // Under one key, so that a field named "message" or "level" cannot replace the line's own.
    this.#root.log({ level, message, fields: { ...this.#fields, ...fields } });
  }
}

interface Line {
  readonly level: string;
  readonly message: string;
  readonly node: string;
  readonly timestamp: string;
  readonly fields: LogFields;
}

const jsonFormat = format.combine(
  format.timestamp(),
  format.printf((info) => {
    const line = info as unknown as Line;
    const { timestamp, level, node, message } = line;
    const head = JSON.stringify({ time: timestamp, level, node, message });
    const fields = Object.entries(own(line.fields)).map(
      ([key, value]) => `,${JSON.stringify(key)}:${printed(value)}`,
    );
    return `${head.slice(0, -1)}${fields.join('')}}`;
  }),
);

const textFormat = format.combine(
  format.timestamp(),
  format.printf((info) => {
    const line = info as unknown as Line;
    const fields = Object.entries(line.fields).map(([key, value]) => ` ${key}=${shown(value)}`);
    return `${line.timestamp} ${line.level.toUpperCase().padEnd(5)} ${line.node} ${oneLine(line.message)}${fields.join('')}`;
  }),
);

const RESERVED = ['time', 'level', 'node', 'message'];

/** The fields, with those that carry a name of the line itself renamed ("message" becomes "field_message"). */
function own(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [RESERVED.includes(key) ? `field_${key}` : key, value]),
  );
}

/** Control characters, line ends among them, as JSON escapes them: a message cannot forge a second line. */
function oneLine(message: string): string {
  return message.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

function shown(value: unknown): string {
  if (typeof value === 'string' && /^[^\s\p{Cc}"=]+$/u.test(value)) return value;
  return printed(value);
}

/** Undefined for what has no JSON, which the library's type leaves out. */
const stringify: (value: unknown, replacer: typeof replaceErrors) => string | undefined = JSON.stringify;

/** A field that JSON cannot express (a cycle) costs its value, never the line, least of all the process. */
function printed(value: unknown): string {
  try {
    return stringify(value, replaceErrors) ?? 'null';
  } catch {
    return '"(not printable)"';
  }
}

function replaceErrors(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Error ? (value.stack ?? value.message) : value;
}
