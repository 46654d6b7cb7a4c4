import { type Column, formatTable } from '../output/table.ts';
import { formatBytes, formatSeconds, significant } from '../output/units.ts';
import type { CellResult } from './cell.ts';
import { type Metric, measures } from './measures.ts';

/** What the measure of a cell shows of it. */
export function metricsOf({ inputs }: CellResult): readonly [Metric, ...Metric[]] {
  return measures.find(({ name }) => name === inputs.evaluation.measure)!.metrics;
}

/** A cell in a few words, as it is done. */
export function describeCell(result: CellResult): string {
  const [{ key, title, places }] = metricsOf(result);
  const { seconds, warnings } = result;
  const time = formatSeconds(seconds.compress + seconds.evaluate);
  const told = warnings === 0 ? '' : `, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  return `${title} ${result.metrics[key].toFixed(places)} (${time}${told})`;
}

/** One row a cell, for people. */
export function describeResults(cells: readonly CellResult[]): string {
  const right = (title: string): Column => ({ title, align: 'right' });
  const left = (title: string): Column => ({ title, align: 'left' });
  return formatTable(
    [left('model'), left('pipeline'), left('evaluation'), right('size'), right('bits'), left('measure'), right('time')],
    cells.map((cell) => {
      const [{ key, title, places }] = metricsOf(cell);
      return [
        cell.model,
        cell.pipeline,
        cell.evaluation,
        formatBytes(cell.bytes),
        cell.bitsPerWeight === null ? '' : significant(cell.bitsPerWeight, 3),
        `${title} ${cell.metrics[key].toFixed(places)}`,
        formatSeconds(cell.seconds.compress + cell.seconds.evaluate),
      ];
    }),
  );
}
