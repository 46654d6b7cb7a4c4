import type { TopLevelSpec } from 'vega-lite';
import { formatBytes, significant } from '../output/units.ts';
import { INK, MUTED, SERIES } from './render-chart.ts';
import type { Report } from './report.ts';

/** Bars from zero: the input and each output. */
export function sizeChart({ model, runs }: Report): TopLevelSpec {
  const values = [
    { name: 'input', bytes: model.bytes, text: formatBytes(model.bytes), input: true },
    ...runs.map(({ name, bytes }) => ({
      name,
      bytes,
      text: `${formatBytes(bytes)} · ${significant((100 * bytes) / model.bytes, 3)} %`,
      input: false,
    })),
  ];
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
      x: { field: 'bytes', type: 'quantitative', axis: null, scale: { domain: [0, 1.45 * model.bytes] } },
    },
    layer: [
      {
        mark: { type: 'bar', height: 16, cornerRadiusEnd: 3 },
        encoding: { color: { condition: { test: 'datum.input', value: MUTED }, value: SERIES[0] } },
      },
      { mark: { type: 'text', align: 'left', dx: 6, fontSize: 12, fill: INK }, encoding: { text: { field: 'text' } } },
    ],
  };
}
