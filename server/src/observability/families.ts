import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

import { invariant } from '../base/index.ts';
import type { MetricSpec } from './metric-table.ts';

type Table = Readonly<Record<string, MetricSpec>>;
type NameOf<T extends Table, K extends MetricSpec['type']> = {
  [N in keyof T]: T[N]['type'] extends K ? N : never;
}[keyof T] &
  string;

/** The gauges, counters and histograms of a table, registered and looked up by name. */
export class Families<T extends Table> {
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();
  readonly #histograms = new Map<string, Histogram>();

  /** Summaries are not made here: the one of the queries is `QuerySummary`. */
  constructor(table: T, registry: Registry) {
    for (const [name, spec] of Object.entries(table)) {
      const family = { name, help: spec.help, labelNames: spec.labels, registers: [registry] };
      if (spec.type === 'gauge') this.#gauges.set(name, new Gauge(family));
      else if (spec.type === 'counter') this.#counters.set(name, new Counter(family));
      else if (spec.type === 'histogram') {
        this.#histograms.set(name, new Histogram({ ...family, buckets: [...(spec.buckets ?? [])] }));
      }
    }
  }

  gauge(name: NameOf<T, 'gauge'>): Gauge {
    return found(this.#gauges, name);
  }

  counter(name: NameOf<T, 'counter'>): Counter {
    return found(this.#counters, name);
  }

  histogram(name: NameOf<T, 'histogram'>): Histogram {
    return found(this.#histograms, name);
  }
}

/** Children of a labelled family by a key, so that an observation does not hash its labels. */
export class Children<C> {
  readonly #children = new Map<string, C>();
  readonly #make: (...labels: readonly string[]) => C;

  constructor(make: (...labels: readonly string[]) => C) {
    this.#make = make;
  }

  of(...labels: readonly string[]): C {
    const key = labels.length === 1 ? (labels[0] as string) : labels.join('\u0000');
    let child = this.#children.get(key);
    if (child === undefined) {
      child = this.#make(...labels);
      this.#children.set(key, child);
    }
    return child;
  }
}

function found<F>(families: ReadonlyMap<string, F>, name: string): F {
  const family = families.get(name);
  invariant(family !== undefined, 'a metric is in the table under its type', { name });
  return family;
}
