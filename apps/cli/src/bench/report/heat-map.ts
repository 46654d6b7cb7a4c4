import type { TopLevelSpec } from 'vega-lite';
import { INK, SERIES } from '../../report/render-chart.ts';

export interface HeatCell {
  readonly row: string;
  readonly column: string;
  /** Positive; drawn on a scale of powers. */
  readonly value: number;
  /** Written into the cell. */
  readonly text: string;
}

/** The least opacity that can be told from the page, and the most on which figures can be read in light and dark. */
const FAINTEST = 0.06;
const STRONGEST = 0.8;

/** Rows by columns, the darker the worse. `range` ends the scale at both sides, so that several maps can share it. */
export function heatMap(
  cells: readonly HeatCell[],
  p: {
    readonly range: readonly [number, number];
    readonly cellWidth: number;
    readonly cellHeight: number;
    readonly columnTitle?: string;
    readonly columnLabels: boolean;
  },
): TopLevelSpec {
  const [least, most] = p.range;
  const span = Math.log(most / least) || 1;
  const values = cells.map((cell) => ({
    ...cell,
    strength: FAINTEST + (STRONGEST - FAINTEST) * Math.min(1, Math.max(0, Math.log(cell.value / least) / span)),
  }));
  const axis = { grid: false, labelLimit: 420, labelAngle: 0 };
  const position = {
    x: {
      field: 'column',
      type: 'nominal' as const,
      sort: null,
      axis: { ...axis, orient: 'top' as const, title: p.columnTitle ?? null, labels: p.columnLabels },
    },
    y: { field: 'row', type: 'nominal' as const, sort: null, axis: { ...axis, title: null } },
  };
  return {
    width: { step: p.cellWidth },
    height: { step: p.cellHeight },
    data: { values },
    encoding: position,
    layer: [
      {
        mark: { type: 'rect', fill: SERIES[1] },
        encoding: { opacity: { field: 'strength', type: 'quantitative', scale: null } },
      },
      { mark: { type: 'text', fontSize: 12, fill: INK }, encoding: { text: { field: 'text' } } },
    ],
  };
}
