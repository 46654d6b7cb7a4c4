import type { TopLevelSpec } from 'vega-lite';
import { type ErrorFigure, errorFigure, kindOf } from './layer-errors.ts';
import { SERIES } from './render-chart.ts';
import type { Report, ReportRun } from './report.ts';

/** One line of a chart: a run, or round-to-nearest on that run's grid. */
export interface ErrorSeries {
  readonly name: string;
  readonly color: string;
  readonly dashed: boolean;
}

interface Point {
  readonly kind: string;
  readonly block: number;
  readonly series: string;
  readonly error: number;
}

/** Small multiples: one chart for each kind of layer, its error over the blocks, on a scale of powers. */
export function errorCharts(report: Report): {
  readonly figure: ErrorFigure;
  readonly series: readonly ErrorSeries[];
  readonly charts: readonly { readonly kind: string; readonly spec: TopLevelSpec }[];
} {
  const figures = report.runs.map(({ layers }) => errorFigure(layers));
  const figure = figures.find((candidate) => candidate?.rtnKey !== undefined) ?? figures[0];
  if (figure === undefined) return { figure: { key: '' }, series: [], charts: [] };
  const runs = report.runs.filter(({ layers }) => layers.some(({ figures }) => figure.key in figures));
  const series: ErrorSeries[] = [];
  const points: Point[] = [];
  for (const [index, run] of runs.entries()) {
    const color = SERIES[index % SERIES.length];
    series.push({ name: run.name, color, dashed: false });
    points.push(...pointsOf(run, figure.key, run.name));
    if (figure.rtnKey === undefined) continue;
    const name = runs.length === 1 ? 'RTN, same grid' : `RTN, grid of ${run.name}`;
    series.push({ name, color, dashed: true });
    points.push(...pointsOf(run, figure.rtnKey, name));
  }
  const kinds = [...new Set(points.map(({ kind }) => kind))];
  return { figure, series, charts: kinds.map((kind) => ({ kind, spec: chart(kind, points, series) })) };
}

/** A kind that a block has several of (experts) shows their mean. A layer of error 0 has no place on a scale of powers. */
function pointsOf({ layers }: ReportRun, key: string, series: string): Point[] {
  const sums = new Map<string, { kind: string; block: number; sum: number; count: number }>();
  for (const { layer, figures } of layers.filter((one) => key in one.figures)) {
    const { kind, block } = kindOf(layer);
    const entry = sums.get(`${block} ${kind}`) ?? { kind, block, sum: 0, count: 0 };
    sums.set(`${block} ${kind}`, { ...entry, sum: entry.sum + figures[key], count: entry.count + 1 });
  }
  return [...sums.values()]
    .map(({ kind, block, sum, count }) => ({ kind, block, series, error: sum / count }))
    .filter(({ error }) => error > 0);
}

function chart(kind: string, points: readonly Point[], series: readonly ErrorSeries[]): TopLevelSpec {
  const names = series.map(({ name }) => name);
  const values = points.filter((point) => point.kind === kind);
  const blocks = Math.max(...values.map(({ block }) => block));
  const errors = values.map(({ error }) => error);
  const ticks = logTicks(Math.min(...errors), Math.max(...errors));
  return {
    title: kind,
    width: 240,
    height: 130,
    data: { values },
    mark: { type: 'line', strokeWidth: 1.75, point: blocks < 12 ? { size: 28, filled: true } : false },
    encoding: {
      x: {
        field: 'block',
        type: 'quantitative',
        scale: { domain: [0, Math.max(1, blocks)], nice: false },
        axis: { title: 'block', format: 'd', grid: false, tickMinStep: 1, tickCount: 6 },
      },
      y: {
        field: 'error',
        type: 'quantitative',
        scale: { type: 'log', domain: [ticks[0], ticks.at(-1)!], nice: false },
        axis: { title: null, values: ticks, format: '~r' },
      },
      color: {
        field: 'series',
        type: 'nominal',
        scale: { domain: names, range: series.map(({ color }) => color) },
        legend: null,
      },
      strokeDash: {
        field: 'series',
        type: 'nominal',
        scale: { domain: names, range: series.map(({ dashed }) => (dashed ? [4, 3] : [1, 0])) },
        legend: null,
      },
    },
  };
}

/** Labels that a small chart has room for. */
const TICKS = 6;

/** From below `least` to above `most` in steps of 1, 2, 5, 10, or where that are too many, of 1, 3, 10, or of powers of ten. */
export function logTicks(least: number, most: number): number[] {
  for (const steps of [[1, 2, 5], [1, 3], [1]]) {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(least)) - 1; power <= Math.ceil(Math.log10(most)) + 1; power++) {
      ticks.push(...steps.map((step) => Number(`${step}e${power}`)));
    }
    const first = ticks.findLastIndex((tick) => tick <= least);
    const last = ticks.findIndex((tick, index) => tick >= most && index > first);
    const within = ticks.slice(first, last + 1);
    if (within.length <= TICKS || steps.length === 1) {
      const every = Math.ceil(within.length / TICKS);
      return within.filter((_tick, index) => (within.length - 1 - index) % every === 0 || index === 0);
    }
  }
  return [least, most];
}
