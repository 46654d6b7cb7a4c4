import { formatBytes, formatError, formatSeconds, significant } from '../output/units.ts';
import { errorCharts } from './error-charts.ts';
import { type Html, html, htmlTable, raw } from './html.ts';
import { errorFigure } from './layer-errors.ts';
import { perplexityChart } from './perplexity-chart.ts';
import { renderChart } from './render-chart.ts';
import type { Report, ReportMeasure, ReportRun } from './report.ts';
import { sizeChart } from './size-chart.ts';
import { STYLE } from './style.ts';

/** The report as one HTML file: no network, no script, light and dark, wide and narrow. */
export async function renderReport(report: Report): Promise<string> {
  const { title, model } = report;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="muted">${model.name} · ${model.architecture} · ${formatBytes(model.bytes)}</p>
${report.runs.length === 1 ? headline(report, report.runs[0]) : raw('')}
${await comparison(report)}
${await layerErrors(report)}
${report.runs.map((run) => details(run, report.runs.length === 1))}
<footer>Written by compress. Sizes count tensors, without file headers. Perplexity: windows from the start of the text, f32.</footer>
</main>
</body>
</html>
`;
  return page.html;
}

function headline({ model, evaluations }: Report, run: ReportRun): Html {
  const tiles: [string, string, string][] = [
    [
      'Size',
      formatBytes(run.bytes),
      `of ${formatBytes(model.bytes)}, ${significant((100 * run.bytes) / model.bytes, 3)} %`,
    ],
    ...evaluations.flatMap(({ before }, i): [string, string, string][] => {
      const { perplexity, divergence } = run.measured[i];
      return [
        ['Perplexity', significant(perplexity, 5), `${significant(before, 5)} before`],
        ...(divergence ? divergenceTiles(divergence) : []),
      ];
    }),
    [
      'Bits per weight',
      significant(run.bitsPerWeight, 3),
      `in ${new Set(run.layers.map(({ layer }) => layer)).size} Linears, format ${run.format}`,
    ],
    ['Time', formatSeconds(run.seconds), 'to compress'],
    ['Peak memory', formatBytes(run.peakMemory), 'of the process'],
  ];
  return html`<dl class="figures">${tiles.map(([name, value, more]) => html`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`)}</dl>`;
}

function divergenceTiles({ kl, top1Agreement }: NonNullable<ReportMeasure['divergence']>): [string, string, string][] {
  return [
    [
      'KL from the input',
      significant(kl.mean, 3),
      `99 % ${significant(kl.p99, 3)}, max ${significant(kl.max, 3)} nats`,
    ],
    ['Same top token', `${significant(100 * top1Agreement, 3)} %`, 'as the input'],
  ];
}

async function comparison(report: Report): Promise<Html> {
  const { evaluations, runs } = report;
  const charts = [
    html`<section><h2>Size</h2>${raw(await renderChart(sizeChart(report), 'Size of the input and of each output'))}</section>`,
  ];
  for (const [index, evaluation] of evaluations.entries()) {
    const { text, context, windows } = evaluation;
    charts.push(
      html`<section><h2>Perplexity</h2><p class="muted">${text}, ${windows} windows of ${context} tokens</p>${raw(
        await renderChart(perplexityChart(report, evaluation, index), 'Perplexity of the input and of each output'),
      )}</section>`,
    );
  }
  const pair = html`<div class="pair">${charts}</div>`;
  return runs.length === 1 ? pair : html`${pair}${comparisonTable(report)}`;
}

function comparisonTable({ model, evaluations, runs }: Report): Html {
  const hasDivergence = (evaluation: number) => runs[0].measured[evaluation].divergence !== undefined;
  const columns = [
    { title: 'Model' },
    { title: 'Size', number: true as const },
    { title: 'Of the input', number: true as const },
    { title: 'Bits per weight', number: true as const },
    ...evaluations.flatMap((_, i) =>
      ['Perplexity', ...(hasDivergence(i) ? ['KL from the input', 'Same top token'] : [])].map((title) => ({
        title,
        number: true as const,
      })),
    ),
    { title: 'Time', number: true as const },
    { title: 'Peak memory', number: true as const },
  ];
  const input = [
    'input',
    formatBytes(model.bytes),
    '100 %',
    '',
    ...evaluations.flatMap(({ before }, i) => [before.toFixed(3), ...(hasDivergence(i) ? ['', ''] : [])]),
    '',
    '',
  ];
  const rows = runs.map((run) => [
    run.name,
    formatBytes(run.bytes),
    `${significant((100 * run.bytes) / model.bytes, 3)} %`,
    significant(run.bitsPerWeight, 3),
    ...run.measured.flatMap(({ perplexity, divergence }) => [
      perplexity.toFixed(3),
      ...(divergence ? divergenceTiles(divergence).map(([, value]) => value) : []),
    ]),
    formatSeconds(run.seconds),
    formatBytes(run.peakMemory),
  ]);
  return html`<section><h2>Compared</h2>${htmlTable(columns, [input, ...rows])}</section>`;
}

async function layerErrors(report: Report): Promise<Html> {
  const { figure, series, charts } = errorCharts(report);
  if (charts.length === 0) return raw('');
  const legend = series.map(
    ({ name, color, dashed }) =>
      html`<li><svg viewBox="0 0 24 10" aria-hidden="true"><line x1="0" y1="5" x2="24" y2="5" stroke="${color}" stroke-width="2.5"${raw(dashed ? ' stroke-dasharray="5 3"' : '')}/></svg>${name}</li>`,
  );
  const drawn: Html[] = [];
  for (const { kind, spec } of charts)
    drawn.push(html`<div>${raw(await renderChart(spec, `Error of ${kind} in each block`))}</div>`);
  const rtn = figure.rtnKey === undefined ? '' : ' The dashed line is round-to-nearest on the same grid.';
  return html`<section><h2>Error of each layer</h2>
<p class="muted">The figure <code>${figure.key}</code> that the algorithm reports, on a scale of powers of ten; lower is better.${rtn}</p>
<ul class="legend">${legend}</ul>
<div class="multiples">${drawn}</div></section>`;
}

function details(run: ReportRun, alone: boolean): Html {
  const figure = errorFigure(run.layers);
  const keys = [...new Set(run.layers.flatMap(({ figures }) => Object.keys(figures)))];
  const shown = (value: number | undefined) => (value === undefined ? '' : formatError(value));
  const table = htmlTable(
    [
      { title: 'Layer' },
      { title: 'Algorithm' },
      { title: 'Bits', number: true },
      ...keys.map((title) => ({ title, number: true as const })),
      ...(figure?.rtnKey === undefined ? [] : [{ title: 'Of RTN', number: true as const }]),
      { title: 'Time', number: true },
    ],
    run.layers.map(({ layer, algorithm, bitsPerWeight, figures, seconds }) => [
      html`<code>${layer}</code>`,
      algorithm,
      significant(bitsPerWeight, 3),
      ...keys.map((key) => shown(figures[key])),
      ...(figure?.rtnKey === undefined
        ? []
        : [figure.key in figures ? ratio(figures[figure.key], figures[figure.rtnKey]) : '']),
      formatSeconds(seconds),
    ]),
  );
  const untouched = run.untouched.map(({ layer, reason }) => html`<li><code>${layer}</code>: ${reason}</li>`);
  const warnings = run.warnings.map(({ layer, message }) => html`<li><code>${layer}</code>: ${message}</li>`);
  return html`<section><h2>${alone ? 'Layers' : run.name}</h2>
${warnings.length === 0 ? html`<p class="muted">No warnings.</p>` : html`<p>${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}:</p><ul class="warnings">${warnings}</ul>`}
<details${raw(alone ? ' open' : '')}><summary>${run.layers.length} layers</summary>${table}</details>
${untouched.length === 0 ? raw('') : html`<details><summary>${untouched.length} ${untouched.length === 1 ? 'Linear' : 'Linears'} not touched</summary><ul>${untouched}</ul></details>`}
<details><summary>Recipe</summary><pre>${JSON.stringify(run.recipe, undefined, 2)}</pre></details></section>`;
}

function ratio(value: number, reference: number): string {
  return reference === 0 ? '' : `${significant((100 * value) / reference, 3)} %`;
}
