import type { TopLevelSpec } from 'vega-lite';
import { significant } from '../output/units.ts';
import { INK, MUTED, SERIES } from './render-chart.ts';
import type { Report, ReportEvaluation } from './report.ts';

/** A line from the input's perplexity to each output's: its length is what compression cost. The axis need not begin at zero. */
export function perplexityChart({ runs }: Report, { before }: ReportEvaluation, index: number): TopLevelSpec {
  const values = [
    { name: 'input', before, after: before, text: significant(before, 5), input: true },
    ...runs.map(({ name, perplexity }) => {
      const after = perplexity[index];
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
  // Room on the right for the longest label.
  const domain = [least - 0.08 * span, most + 0.7 * span];
  return {
    width: 330,
    height: { step: 34 },
    data: { values },
    encoding: {
      y: {
        field: 'name',
        type: 'nominal',
        sort: null,
        axis: { title: null, labelColor: INK, labelFontSize: 12, labelLimit: 140 },
      },
    },
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 3, stroke: SERIES[0], opacity: 0.45 },
        encoding: {
          x: {
            field: 'before',
            type: 'quantitative',
            scale: { domain, zero: false, nice: false },
            axis: { title: 'perplexity (lower is better)', tickCount: 4, grid: true },
          },
          x2: { field: 'after' },
        },
      },
      {
        mark: { type: 'point', filled: true, size: 80, opacity: 1 },
        encoding: {
          x: { field: 'after', type: 'quantitative' },
          color: { condition: { test: 'datum.input', value: MUTED }, value: SERIES[0] },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 9, fontSize: 12, fill: INK },
        encoding: { x: { field: 'after', type: 'quantitative' }, text: { field: 'text' } },
      },
    ],
  };
}
