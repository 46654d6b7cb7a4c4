import type { TopLevelSpec } from 'vega-lite';
import { kindOf } from '../../report/layer-errors.ts';
import type { BenchRow } from './bench-table.ts';
import { type HeatCell, heatMap } from './heat-map.ts';

/** An error that algorithms report of each Linear, as pages show it. */
interface LayerError {
  readonly title: string;
  readonly explanation: string;
  /** Null where the layer has no such figure. */
  of(figures: Readonly<Record<string, number | null>>): number | null;
}

const ERRORS: readonly LayerError[] = [
  {
    title: 'Error of each layer beside round-to-nearest',
    explanation: "The loss that the algorithm minimizes, as a share of round-to-nearest's on the same grid.",
    of: ({ loss, rtnLoss }) => (loss == null || rtnLoss == null || rtnLoss === 0 ? null : loss / rtnLoss),
  },
  {
    title: 'Relative error of each layer',
    explanation: 'Norm of the change over norm of the weight.',
    of: ({ relativeError }) => relativeError ?? null,
  },
];

export interface LayerMaps {
  readonly title: string;
  readonly explanation: string;
  readonly range: readonly [number, number];
  readonly maps: readonly { readonly name: string; readonly spec: TopLevelSpec }[];
}

/** For each kind of error that any row has: a map of kinds of layers by blocks for each such row, all on one scale. */
export function layerMaps(rows: readonly BenchRow[]): LayerMaps[] {
  return ERRORS.flatMap(({ title, explanation, of }) => {
    const drawn = rows.flatMap((row) => {
      const cells = cellsOf(row, of);
      return cells.length === 0 ? [] : [{ name: `${row.model} · ${row.pipeline}`, cells }];
    });
    if (drawn.length === 0) return [];
    const values = drawn.flatMap(({ cells }) => cells.map(({ value }) => value));
    const range = [Math.min(...values), Math.max(...values)] as const;
    const maps = drawn.map(({ name, cells }) => {
      const blocks = new Set(cells.map(({ column }) => column)).size;
      const cellWidth = Math.max(5, Math.min(24, Math.floor(170 / blocks)));
      return {
        name,
        spec: heatMap(cells, {
          range,
          cellWidth,
          cellHeight: 13,
          columnTitle: 'block',
          columnLabels: blocks <= 12,
        }),
      };
    });
    return [{ title, explanation, range, maps }];
  });
}

/** A kind that a block has several of (experts) shows their mean. An error of 0 has no place on a scale of powers. */
function cellsOf({ any: { layers, figures } }: BenchRow, of: LayerError['of']): HeatCell[] {
  const sums = new Map<string, { row: string; column: string; sum: number; count: number }>();
  for (const [index, layer] of layers.entries()) {
    const error = of(Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, values[index]])));
    if (error === null || !(error > 0)) continue;
    const { kind, block } = kindOf(layer);
    const entry = sums.get(`${block} ${kind}`) ?? { row: kind, column: String(block), sum: 0, count: 0 };
    sums.set(`${block} ${kind}`, { ...entry, sum: entry.sum + error, count: entry.count + 1 });
  }
  return [...sums.values()].map(({ row, column, sum, count }) => ({ row, column, value: sum / count, text: '' }));
}
