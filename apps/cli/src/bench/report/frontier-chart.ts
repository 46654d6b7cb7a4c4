import type { TopLevelSpec } from 'vega-lite';
import { logTicks } from '../../report/error-charts.ts';
import { INK, MUTED, SERIES } from '../../report/render-chart.ts';
import { INPUT } from '../matrix-schema.ts';

/** One compressed model in a chart of cost against quality. */
export interface ChartPoint {
  readonly name: string;
  /** Bytes or bits. */
  readonly cost: number;
  /** Lower is better. */
  readonly score: number;
}

/** The points that no other point beats in cost and score, from the cheapest on. Of equal ones, the first. */
export function frontier(points: readonly ChartPoint[]): ChartPoint[] {
  const best: ChartPoint[] = [];
  for (const point of points.toSorted((a, b) => a.cost - b.cost || a.score - b.score)) {
    const last = best.at(-1);
    if (last === undefined || point.score < last.score) best.push(point);
  }
  return best;
}

/** Every compressed model as a point, those on the frontier joined by a line and numbered: their names, which are long, would lie on one another. */
export function frontierChart(
  points: readonly ChartPoint[],
  { cost, score, unit }: { readonly cost: string; readonly score: string; readonly unit: number },
): TopLevelSpec {
  const best = frontier(points);
  const values = points.map((point) => ({ ...point, cost: point.cost / unit, input: point.name === INPUT }));
  const line = best.map((point, index) => ({ ...point, cost: point.cost / unit, number: String(index + 1) }));
  const scores = points.map((point) => point.score);
  const x = {
    field: 'cost',
    type: 'quantitative' as const,
    scale: { zero: false, nice: true, padding: 12 },
    axis: { title: cost, grid: false, tickCount: 5 },
  };
  const y = {
    field: 'score',
    type: 'quantitative' as const,
    ...scoreScale(Math.min(...scores), Math.max(...scores), `${score} (lower is better)`),
  };
  return {
    width: 340,
    height: 280,
    layer: [
      {
        data: { values: line },
        mark: { type: 'line', interpolate: 'step-after', stroke: SERIES[0], strokeWidth: 1.5 },
        encoding: { x, y },
      },
      {
        data: { values },
        mark: { type: 'point', filled: true, size: 42, opacity: 0.85 },
        encoding: { x, y, color: { condition: { test: 'datum.input', value: INK }, value: MUTED } },
      },
      {
        data: { values: line },
        mark: { type: 'point', filled: true, size: 60, color: SERIES[0], opacity: 1 },
        encoding: { x, y },
      },
      {
        data: { values: line },
        mark: { type: 'text', dx: -7, dy: 11, fontSize: 11, fill: INK },
        encoding: { x, y, text: { field: 'number' } },
      },
    ],
  };
}

/** Of scores that lie close together, differences are shown; of others, ratios. */
function scoreScale(least: number, most: number, title: string) {
  if (most < 2 * least) return { scale: { zero: false, nice: true, padding: 10 }, axis: { title, tickCount: 5 } };
  const ticks = logTicks(least, most);
  const scale = { type: 'log' as const, domain: [ticks[0], ticks.at(-1)!], nice: false };
  return { scale, axis: { title, values: ticks, format: '~r' } };
}
