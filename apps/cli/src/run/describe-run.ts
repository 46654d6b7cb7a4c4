import { summarizeDivergence } from '../output/describe-divergence.ts';
import { describeWindows } from '../output/describe-perplexity.ts';
import { formatTable } from '../output/table.ts';
import { formatBytes, formatError, formatSeconds, significant } from '../output/units.ts';
import { errorFigure, kindOf } from '../report/layer-errors.ts';
import type { ReportLayer } from '../report/report.ts';
import type { RunOutcome } from './run-recipe.ts';
import { reportLayers } from './run-report.ts';

/** The end of a run for people: layers with error, bits and time, and what became of size and perplexity. */
export function describeRun(outcome: RunOutcome, { everyLayer }: { readonly everyLayer: boolean }): string {
  const { manifest, run, evaluations, recipe } = outcome;
  const { totals, warnings } = manifest;
  const summary = [
    `size        ${formatBytes(totals.bytesBefore)} → ${formatBytes(totals.bytesAfter)} (${significant((100 * totals.bytesAfter) / totals.bytesBefore, 3)} %), ${significant(totals.bitsPerWeight, 3)} bits per weight in ${totals.touched} Linears`,
    ...evaluations.flatMap(({ text, before, after, divergence }) => [
      `perplexity  ${significant(before.perplexity, 5)} → ${significant(after.perplexity, 5)} (${text}, ${describeWindows(after)})`,
      ...(divergence ? [`divergence  ${summarizeDivergence(divergence)}`] : []),
    ]),
    `time        ${formatSeconds(run.seconds)}, peak memory ${formatBytes(run.peakMemory)}`,
    ...(warnings.length > 0 ? [`warnings    ${warnings.length}, listed in the report`] : []),
    `output      ${recipe.output}`,
  ];
  const layers = reportLayers(outcome);
  return [...(layers.length === 0 ? [] : [layerTable(layers, everyLayer), '']), ...summary].join('\n');
}

/** One row a layer, or one for all blocks' layers of a kind: mean error, and where it is worst. */
function layerTable(layers: readonly ReportLayer[], everyLayer: boolean): string {
  const figure = errorFigure(layers);
  const rtn = figure?.rtnKey;
  const groups = new Map<string, ReportLayer[]>();
  for (const layer of layers) {
    const name = everyLayer ? layer.layer : kindOf(layer.layer).kind;
    const key = JSON.stringify([name, layer.algorithm]);
    groups.set(key, [...(groups.get(key) ?? []), layer]);
  }
  const error = ({ figures }: ReportLayer) => (figure === undefined ? 0 : figures[figure.key]);
  const hasError = ({ figures }: ReportLayer) => figure === undefined || figure.key in figures;
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    { title: everyLayer ? 'layer' : 'layers', align: 'left' as const },
    ...(everyLayer ? [] : [right('count')]),
    { title: 'algorithm', align: 'left' as const },
    right('bits'),
    right(figure?.key ?? 'error'),
    ...(rtn === undefined ? [] : [right('of RTN')]),
    ...(everyLayer ? [] : [right('worst'), right('in block')]),
    right('time'),
  ];
  const rows = [...groups].map(([key, members]) => {
    const [name, algorithm] = JSON.parse(key) as [string, string];
    const worst = members.reduce((most, layer) => (error(layer) > error(most) ? layer : most));
    const total = mean(members.map(error));
    const told = hasError(members[0]);
    return [
      name,
      ...(everyLayer ? [] : [String(members.length)]),
      algorithm,
      significant(mean(members.map(({ bitsPerWeight }) => bitsPerWeight)), 3),
      told ? formatError(total) : '',
      ...(rtn === undefined ? [] : [!told ? '' : share(total, mean(members.map(({ figures }) => figures[rtn])))]),
      ...(everyLayer ? [] : told ? [formatError(error(worst)), String(kindOf(worst.layer).block)] : ['', '']),
      formatSeconds(members.reduce((sum, { seconds }) => sum + seconds, 0)),
    ];
  });
  return formatTable(columns, rows);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function share(value: number, of: number): string {
  return of === 0 ? '' : `${significant((100 * value) / of, 3)} %`;
}
