import { formatBytes, formatSeconds, significant } from '../../output/units.ts';
import type { CellResult } from '../cell.ts';
import { metricsOf } from '../describe-results.ts';

/** A cell of a table: what is read, and what it is sorted by. */
export interface TableCell {
  readonly text: string;
  readonly value: number | string;
}

/** One compressed model (or one as it is) under all its evaluations. */
export interface BenchRow {
  readonly model: string;
  readonly pipeline: string;
  /** By evaluation; at least one. */
  readonly cells: ReadonlyMap<string, CellResult>;
  /** One of them: all have the same sizes. */
  readonly any: CellResult;
}

/** What a page about a matrix shows first. */
export interface BenchTable {
  readonly columns: readonly { readonly title: string; readonly number: boolean }[];
  readonly rows: readonly (readonly TableCell[])[];
}

/**
 * Rows by model; in each the model as it is first, then from many bits to few, and where bits are equal, from the worst to the best in the
 * first evaluation. A model under another numerics mode is told apart by name.
 */
export function benchRows(results: readonly CellResult[]): BenchRow[] {
  const modes = new Set(results.map(({ inputs }) => inputs.numerics));
  const rows = new Map<string, { model: string; pipeline: string; cells: Map<string, CellResult>; any: CellResult }>();
  for (const result of results) {
    const model = modes.size > 1 ? `${result.model} (${result.inputs.numerics})` : result.model;
    const key = JSON.stringify([model, result.pipeline]);
    const row = rows.get(key) ?? { model, pipeline: result.pipeline, cells: new Map(), any: result };
    row.cells.set(result.evaluation, result);
    rows.set(key, row);
  }
  const bits = ({ any }: BenchRow) => any.bitsPerWeight ?? Number.POSITIVE_INFINITY;
  const [first] = evaluationsOf(results);
  const score = ({ cells }: BenchRow) => mainMetric(cells.get(first)) ?? 0;
  return [...rows.values()].sort((a, b) => {
    if (a.model !== b.model) return a.model < b.model ? -1 : 1;
    if (bits(a) !== bits(b)) return bits(b) > bits(a) ? 1 : -1;
    return score(b) - score(a);
  });
}

/** Names of the evaluations, in order. */
export function evaluationsOf(results: readonly CellResult[]): string[] {
  return [...new Set(results.map(({ evaluation }) => evaluation))].sort();
}

/** The number that a cell is judged by. */
export function mainMetric(cell: CellResult | undefined): number | undefined {
  return cell?.metrics[metricsOf(cell)[0].key];
}

/** All rows with sizes, measures, times and memory. */
export function benchTable(results: readonly CellResult[]): BenchTable {
  const evaluations = evaluationsOf(results).map((name) => {
    const of = results.filter(({ evaluation }) => evaluation === name);
    // Results that are older than a metric do not have it.
    const metrics = metricsOf(of[0]).filter(({ key }) => of.some((cell) => key in cell.metrics));
    return { name, metrics };
  });
  const number = (title: string) => ({ title, number: true });
  const columns = [
    { title: 'model', number: false },
    { title: 'pipeline', number: false },
    { title: 'format', number: false },
    number('size'),
    number('bits per weight'),
    ...evaluations.flatMap(({ name, metrics }) =>
      metrics.map(({ title }) => number(evaluations.length === 1 ? title : `${title}, ${name}`)),
    ),
    number('time to compress'),
    number('peak memory'),
    number('warnings'),
  ];
  const rows = benchRows(results).map(({ model, pipeline, cells, any }): TableCell[] => {
    const { compression } = any.inputs;
    return [
      word(model),
      word(pipeline),
      word(compression?.format ?? ''),
      figure(any.bytes, formatBytes),
      figure(any.bitsPerWeight, (bits) => significant(bits, 3)),
      ...evaluations.flatMap(({ name, metrics }) =>
        metrics.map(({ key, places }) => figure(cells.get(name)?.metrics[key], (value) => value.toFixed(places))),
      ),
      figure(compression === null ? null : any.seconds.compress, formatSeconds),
      figure(any.memory.compress ?? any.memory.process, formatBytes),
      figure(any.warnings, String),
    ];
  });
  return { columns, rows };
}

function word(text: string): TableCell {
  return { text, value: text };
}

/** What is not known stands last, however a table is sorted by it. */
function figure(value: number | null | undefined, format: (value: number) => string): TableCell {
  return value === null || value === undefined ? { text: '', value: '' } : { text: format(value), value };
}

/** On what the cells were done, each machine once, with how many of them. */
export function machinesOf(results: readonly CellResult[]): string[] {
  const counts = new Map<string, { cells: number; load: number }>();
  for (const { machine, inputs } of results) {
    const { cpu, cores, memory, platform, node, threads } = machine;
    const name = `${cpu}, ${cores} cores, ${formatBytes(memory)}, ${platform}, Node ${node}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, numerics ${inputs.numerics}`;
    const known = counts.get(name) ?? { cells: 0, load: 0 };
    counts.set(name, { cells: known.cells + 1, load: known.load + machine.load });
  }
  return [...counts].map(
    ([name, { cells, load }]) =>
      `${name}: ${cells} ${cells === 1 ? 'cell' : 'cells'}, mean load ${(load / cells).toFixed(1)}`,
  );
}
