import type { LogFields, Logger } from '../../observability/index.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps what is logged. */
export class LogLines implements Logger {
  readonly lines: LogLine[] = [];
  debug = (message: string, fields: LogFields = {}): void =>
    void this.lines.push({ level: 'debug', message, fields });
  info = (message: string, fields: LogFields = {}): void =>
    void this.lines.push({ level: 'info', message, fields });
  warn = (message: string, fields: LogFields = {}): void =>
    void this.lines.push({ level: 'warn', message, fields });
  error = (message: string, fields: LogFields = {}): void =>
    void this.lines.push({ level: 'error', message, fields });
  child = (): Logger => this;

  /** True when a line of this level has a reason that contains `reason`. */
  has(level: LogLine['level'], reason: string): boolean {
    return this.find(level, reason) !== undefined;
  }

  find(level: LogLine['level'], reason: string): LogLine | undefined {
    return this.lines.find((line) => line.level === level && String(line.fields['reason']).includes(reason));
  }
}
