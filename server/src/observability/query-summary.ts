import type { Metric, Registry } from 'prom-client';

import type { Clock } from '../base/index.ts';
import type { MetricSpec } from './metric-table.ts';
import { RecentQuantiles } from './recent-quantiles.ts';

const QUANTILES = [0.5, 0.95, 0.99];

/**
 * A Prometheus summary over `RecentQuantiles`. prom-client's own keeps a digest per slot and inserts into each of
 * them, which costs more than answering some of the requests it measures.
 */
export class QuerySummary {
  readonly #recent: RecentQuantiles;
  #sum = 0;
  #count = 0;

  constructor(o: { name: string; spec: MetricSpec; clock: Clock; registry: Registry }) {
    this.#recent = new RecentQuantiles(o.clock);
    const family = {
      name: o.name,
      help: o.spec.help,
      type: 'summary',
      aggregator: 'omit',
      get: () =>
        Promise.resolve({ name: o.name, help: o.spec.help, type: 'summary', values: this.#values(o.name) }),
    };
    // The registry uses exactly these members of a metric.
    o.registry.registerMetric(family as unknown as Metric);
  }

  observe(seconds: number): void {
    this.#recent.observe(seconds);
    this.#sum += seconds;
    this.#count += 1;
  }

  /** NaN stands for "nothing in the last minute", as in Prometheus' own libraries. */
  #values(name: string): readonly { metricName?: string; labels: Record<string, string>; value: number }[] {
    const seconds = this.#recent.read(QUANTILES);
    return [
      ...QUANTILES.map((quantile, i) => ({
        labels: { quantile: String(quantile) },
        value: seconds?.[i] ?? NaN,
      })),
      { metricName: `${name}_sum`, labels: {}, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, value: this.#count },
    ];
  }
}
