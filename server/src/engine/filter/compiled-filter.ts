import { Breather } from '../../base/index.ts';
import type { Filter } from '../../model/index.ts';
import { compileFilter, type Matcher } from './matcher.ts';
import { onlyIds } from './only-ids.ts';

/** A filter as one request uses it for everything that it reads. */
export interface CompiledFilter {
  readonly filter: Filter;
  readonly matcher: Matcher;
  /** `onlyIds` */
  readonly ids: readonly Buffer[] | undefined;
}

/** One for which every point may have to be compared. */
export interface TimedFilter extends CompiledFilter {
  /** When comparing ends at the latest, as `Clock.nowMs`. */
  readonly deadlineMs: number;
}

export function compiledFilter(filter: Filter): CompiledFilter {
  return { filter, matcher: compileFilter(filter), ids: onlyIds(filter) };
}

/** Bytes of payloads that are compared before others get their turn: about two milliseconds. */
const BYTES_BEFORE_REST = 512 * 1024;
/** What a point costs beside its payload, as if it were bytes. */
const ROW_BYTES = 256;

/** Lets others have their turn while many points are compared with a filter. */
export class ComparingPace {
  readonly #breather = new Breather(BYTES_BEFORE_REST);

  /** True when a rest is due. */
  compared(point: { readonly payload: Buffer }): boolean {
    return this.#breather.spend(ROW_BYTES + point.payload.length);
  }

  rest(): Promise<void> {
    return this.#breather.rest();
  }
}
