import type { TopLevelSpec } from 'vega-lite';
import { formatBytes, significant } from '../output/units.ts';
import { MUTED, nameAbove, SERIES, WIDTH } from './render-chart.ts';
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
    width: WIDTH,
    height: { step: 44 },
    data: { values },
    encoding: {
      y: { field: 'name', type: 'nominal', sort: null, axis: null },
      x: { field: 'bytes', type: 'quantitative', axis: null, scale: { domain: [0, model.bytes] } },
    },
    layer: [
      {
        mark: { type: 'bar', height: 14, yOffset: 8 },
        encoding: { color: { condition: { test: 'datum.input', value: MUTED }, value: SERIES[0] } },
      },
      nameAbove('name', 'left'),
      nameAbove('text', 'right'),
    ],
  };
}
