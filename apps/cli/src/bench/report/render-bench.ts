import { formatError, significant } from '../../output/units.ts';
import { type Html, html, raw } from '../../report/html.ts';
import { renderChart } from '../../report/render-chart.ts';
import { STYLE } from '../../report/style.ts';
import type { CellResult } from '../cell.ts';
import { metricsOf } from '../describe-results.ts';
import { INPUT } from '../matrix-schema.ts';
import { type BenchRow, benchRows, benchTable, evaluationsOf, machinesOf, mainMetric } from './bench-table.ts';
import { type ChartPoint, frontier, frontierChart } from './frontier-chart.ts';
import { type HeatCell, heatMap } from './heat-map.ts';
import { layerMaps } from './layer-maps.ts';
import { SORT_SCRIPT, SORT_STYLE } from './sort-script.ts';

/** Results as one HTML file: no network, light and dark, wide and narrow; its only script sorts the table. */
export async function renderBench(title: string, results: readonly CellResult[]): Promise<string> {
  const rows = benchRows(results);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(STYLE)}
${raw(SORT_STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="muted">Cells: ${results.length}. Models: ${[...new Set(rows.map(({ model }) => model))].join(', ')}. Measured on: ${evaluationsOf(results).join(', ')}.</p>
<section><h2>All rows</h2>${table(results)}</section>
${await frontiers(rows, results)}
${await heatMaps(rows, results)}
${await layers(rows)}
<section><h2>Measured on</h2><ul>${machinesOf(results).map((machine) => html`<li>${machine}</li>`)}</ul></section>
<footer>Written by compress bench report. Sizes count tensors, without file headers. Memory is that of the process while it compressed, or, of a model as it is, while it was measured.</footer>
</main>
<script>${raw(SORT_SCRIPT)}</script>
</body>
</html>
`;
  return page.html;
}

function table(results: readonly CellResult[]): Html {
  const { columns, rows } = benchTable(results);
  const kind = (column: number) => raw(columns[column].number ? ' class="number"' : '');
  const head = columns.map(
    ({ title }, c) => html`<th scope="col"${kind(c)}><button type="button">${title}</button></th>`,
  );
  const body = rows.map(
    (row) => html`<tr>${row.map(({ text, value }, c) => html`<td${kind(c)} data-value="${value}">${text}</td>`)}</tr>`,
  );
  return html`<div class="scroll rows"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** Size and bits against the first metric, for each model and evaluation. */
async function frontiers(rows: readonly BenchRow[], results: readonly CellResult[]): Promise<Html[]> {
  const sections: Html[] = [];
  for (const model of new Set(rows.map((row) => row.model))) {
    for (const evaluation of evaluationsOf(results)) {
      const of = rows.filter((row) => row.model === model && row.cells.has(evaluation));
      if (of.length < 2) continue;
      const { title: score, distance } = metricsOf(of[0].cells.get(evaluation)!)[0];
      const points = (cost: (row: BenchRow) => number | null): ChartPoint[] =>
        of.flatMap((row) => {
          const value = cost(row);
          const figure = mainMetric(row.cells.get(evaluation))!;
          if (value === null || (distance && figure <= 0)) return [];
          return [{ name: row.pipeline, cost: value, score: figure }];
        });
      const draw = async (all: ChartPoint[], { cost, unit, what }: { cost: string; unit: number; what: string }) =>
        html`<div>${raw(await renderChart(frontierChart(all, { cost, score, unit }), `${what} against ${score} of ${model}`))}<ol class="muted">${frontier(all).map(({ name }) => html`<li>${name}</li>`)}</ol></div>`;
      const bySize = await draw(
        points(({ any }) => any.bytes),
        { cost: 'MB on disk', unit: 1e6, what: 'Size' },
      );
      const byBits = await draw(
        points(({ any }) => any.bitsPerWeight),
        { cost: 'bits per weight of the Linears treated', unit: 1, what: 'Bits per weight' },
      );
      sections.push(html`<section><h2>${model}: size against ${score}</h2><p class="muted">${evaluation}. The line joins what nothing beats in both, numbered as below;${distance ? ' the model as it is has a distance of 0 and no place on this scale;' : ''} the dense format keeps the input's dtype, so its size says nothing, and bits do.</p>
<div class="pair">${bySize}${byBits}</div></section>`);
    }
  }
  return sections;
}

/** What each pipeline costs on each model: its first metric over that of the model as it is, or its distance from that. */
async function heatMaps(rows: readonly BenchRow[], results: readonly CellResult[]): Promise<Html[]> {
  const sections: Html[] = [];
  for (const evaluation of evaluationsOf(results)) {
    const [{ title, distance }] = metricsOf(results.find((result) => result.evaluation === evaluation)!);
    const cells: HeatCell[] = rows.flatMap(({ model, pipeline, cells: of }) => {
      const after = mainMetric(of.get(evaluation));
      const input = rows.find((row) => row.model === model && row.pipeline === INPUT);
      const before = mainMetric(input?.cells.get(evaluation));
      if (pipeline === INPUT || after === undefined || before === undefined) return [];
      const value = distance ? after : after / before;
      return [{ row: pipeline, column: model, value, text: significant(value, distance ? 3 : 4) }];
    });
    const values = cells.map(({ value }) => value).filter((value) => value > 0);
    if (values.length === 0) continue;
    const most = Math.max(...values);
    const map = heatMap(cells, {
      range: distance ? [Math.min(...values), most] : [1, Math.max(most, 1.001)],
      cellWidth: 90,
      cellHeight: 24,
      columnLabels: true,
    });
    const what = distance ? `${title} from the model as it is` : `${title} over that of the model as it is`;
    sections.push(
      html`<section><h2>Pipelines by models</h2><p class="muted">${evaluation}: ${what}; the stronger the colour, the worse.</p>${raw(await renderChart(map, `${title} of each pipeline on each model`))}</section>`,
    );
  }
  return sections;
}

async function layers(rows: readonly BenchRow[]): Promise<Html[]> {
  const sections: Html[] = [];
  for (const { title, explanation, range, maps } of layerMaps(rows)) {
    const drawn: Html[] = [];
    for (const { name, spec } of maps)
      drawn.push(html`<div><h3>${name}</h3>${raw(await renderChart(spec, `${title}: ${name}`))}</div>`);
    sections.push(
      html`<section><h2>${title}</h2><p class="muted">${explanation} The stronger the colour, the worse, on one scale of powers from ${formatError(range[0])} to ${formatError(range[1])}.</p><div class="multiples">${drawn}</div></section>`,
    );
  }
  return sections;
}
