import type { TopLevelSpec } from 'vega-lite';
import { significant } from '../output/units.ts';
import { MUTED, nameAbove, SERIES, WIDTH } from './render-chart.ts';
import type { Report, ReportEvaluation } from './report.ts';

/** A line from the input's perplexity to each output's: its length is what compression cost. The axis need not begin at zero. */
export function perplexityChart({ runs }: Report, { before }: ReportEvaluation, index: number): TopLevelSpec {
  const values = [
    { name: 'input', before, after: before, text: significant(before, 5), input: true },
    ...runs.map(({ name, measured }) => {
      const after = measured[index].perplexity;
      const cost = 100 * (after / before - 1);
      return {
        name,
        before,
        after,
        text: `${significant(after, 5)} · ${cost < 0 ? '−' : '+'}${significant(Math.abs(cost), 2)} %`,
        input: false,
      };
    }),
  ];
  const all = values.map(({ after }) => after);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const span = most - least || before * 0.01;
  const domain = [least - 0.06 * span, most + 0.06 * span];
  const scale = { domain, zero: false, nice: false };
  const axis = { title: 'perplexity (lower is better)', tickCount: 4, grid: true };
  return {
    width: WIDTH,
    height: { step: 44 },
    data: { values },
    encoding: { y: { field: 'name', type: 'nominal', sort: null, axis: null } },
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 3, stroke: SERIES[0], opacity: 0.45, yOffset: 8 },
        encoding: { x: { field: 'before', type: 'quantitative', scale, axis }, x2: { field: 'after' } },
      },
      {
        mark: { type: 'point', filled: true, size: 80, opacity: 1, yOffset: 8 },
        encoding: {
          x: { field: 'after', type: 'quantitative' },
          color: { condition: { test: 'datum.input', value: MUTED }, value: SERIES[0] },
        },
      },
      nameAbove('name', 'left'),
      nameAbove('text', 'right'),
    ],
  };
}
