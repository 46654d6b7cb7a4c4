import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logTicks } from './error-charts.ts';
import { errorFigure, kindOf } from './layer-errors.ts';
import { renderReport } from './render-report.ts';
import type { Report, ReportLayer } from './report.ts';

function layers(figures: (index: number) => Record<string, number>): ReportLayer[] {
  const names = ['model.layers.0.mlp.up_proj', 'model.layers.1.mlp.up_proj', 'model.layers.0.self_attn.q_proj'];
  return names.map((layer, index) => ({
    layer,
    algorithm: 'x',
    bitsPerWeight: 4.25,
    seconds: 1,
    figures: figures(index),
  }));
}

const run = {
  name: 'one <script>alert(1)</script>',
  bytes: 4e6,
  bitsPerWeight: 4.25,
  seconds: 75,
  peakMemory: 5e8,
  format: 'dense',
  measured: [{ perplexity: 42.1 }],
  layers: layers((i) => ({ loss: 0.1 * (i + 1), rtnLoss: 0.2 * (i + 1) })),
  untouched: [{ layer: 'lm_head', reason: 'the output head stays' }],
  warnings: [{ layer: 'a', message: 'b & c' }],
  recipe: { pipeline: [{ x: {} }] },
};

const report: Report = {
  title: 'A & B',
  model: { name: './m', architecture: 'llama', bytes: 8e6 },
  evaluations: [{ text: 'test.txt', context: 512, windows: 64, before: 41.9 }],
  runs: [run],
};

describe('renderReport', () => {
  it('makes one page that asks nothing of the network and runs nothing', async () => {
    const page = await renderReport(report);
    expect(page.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:|<script|<link|@import|url\(/);
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).toContain('name="viewport"');
  });

  it('escapes whatever comes from outside', async () => {
    const page = await renderReport(report);
    expect(page).toContain('<title>A &amp; B</title>');
    expect(page).toContain('b &amp; c');
    expect(page).not.toContain('<script>alert');
  });

  it('draws size, perplexity and a chart for each kind of layer, in colours of the page', async () => {
    const page = await renderReport(report);
    const charts = page.match(/<svg class="chart"[^>]*>/g) ?? [];
    expect(charts.map((tag) => /aria-label="([^"]*)"/.exec(tag)?.[1])).toEqual([
      'Size of the input and of each output',
      'Perplexity of the input and of each output',
      'Error of mlp.up_proj in each block',
      'Error of self_attn.q_proj in each block',
    ]);
    expect(page).toContain('stroke="var(--series-1)"');
    expect(page).toContain('42.100');
    expect(page).toContain('41.900 before');
    expect(page).toContain('50.0 %');
  });

  it('tells a divergence from the input where one was measured', async () => {
    const kl = { mean: 0.0123, standardError: 0.001, median: 0.01, p99: 0.2, max: 1.5, maxPosition: 3 };
    const measured = [{ perplexity: 42.1, divergence: { kl, top1Agreement: 0.9712 } }];
    const alone = await renderReport({ ...report, runs: [{ ...run, measured }] });
    expect(alone).toMatch(/<dt>KL from the input<\/dt><dd>0\.0123<small>99 % 0\.200, max 1\.50 nats/);
    expect(alone).toMatch(/<dt>Same top token<\/dt><dd>97\.1 %/);
    const both = await renderReport({ ...report, runs: [1, 2].map((i) => ({ ...run, name: `run ${i}`, measured })) });
    const [header, input, first] = both.match(/<h2>Compared<[\s\S]*?<\/table>/)![0].match(/<tr>.*?<\/tr>/gs)!;
    for (const row of [header, input, first]) expect(row.match(/<t[hd]/g)).toHaveLength(9);
    expect(first).toContain('0.0123');
  });

  it('compares several runs, and those without the figure are left out of its chart alone', async () => {
    const other = { ...run, name: 'plain', layers: layers(() => ({ relativeError: 0.1 })) };
    const page = await renderReport({ ...report, runs: [other, { ...run, name: 'best' }] });
    expect(page).toContain('Compared');
    expect(page).toContain('RTN, same grid');
    expect(page).toMatch(/<h2>plain<\/h2>/);
    expect(page.match(/<ul class="legend">.*?<\/ul>/s)?.[0]).not.toContain('plain');
  });

  it('shows the error of the last step where several treated each layer', async () => {
    const transformed = layers(() => ({ peak: 5 }));
    const both = { ...run, layers: [...transformed, ...run.layers] };
    const page = await renderReport({ ...report, runs: [both] });
    expect(errorFigure(both.layers)).toEqual({ key: 'loss', rtnKey: 'rtnLoss' });
    expect(page).toContain('Error of mlp.up_proj in each block');
    expect(page).toContain('in 3 Linears');
    expect(page).not.toMatch(/NaN|undefined/);
  });

  it('has a page for a pipeline that touched nothing and measured nothing', async () => {
    const page = await renderReport({ ...report, evaluations: [], runs: [{ ...run, layers: [], measured: [] }] });
    expect(page).not.toContain('Error of each layer');
  });
});

describe('layers', () => {
  it('knows a layer by its kind and block', () => {
    expect(kindOf('model.layers.12.mlp.down_proj')).toEqual({ kind: 'mlp.down_proj', block: 12 });
    expect(kindOf('transformer.h.3.attn.c_attn')).toEqual({ kind: 'attn.c_attn', block: 3 });
    expect(kindOf('model.layers.2.experts.7.w1')).toEqual({ kind: 'experts.*.w1', block: 2 });
    expect(kindOf('lm_head')).toEqual({ kind: 'lm_head', block: 0 });
  });

  it('prefers a figure that has its peer of round-to-nearest', () => {
    expect(errorFigure(layers(() => ({ damping: 1, loss: 1, rtnLoss: 2 })))).toEqual({
      key: 'loss',
      rtnKey: 'rtnLoss',
    });
    expect(errorFigure(layers(() => ({ relativeError: 1 })))).toEqual({ key: 'relativeError' });
    expect(errorFigure([])).toBeUndefined();
  });

  it('has few round ticks around all errors', () => {
    const power = fc.double({ min: -12, max: 6, noNaN: true });
    fc.assert(
      fc.property(power, fc.double({ min: 0, max: 12, noNaN: true }), (low, span) => {
        const [least, most] = [10 ** low, 10 ** (low + span)];
        const ticks = logTicks(least, most);
        expect(ticks.length).toBeGreaterThanOrEqual(1);
        expect(ticks.length).toBeLessThanOrEqual(8);
        expect(ticks[0]).toBeLessThanOrEqual(least);
        expect(ticks.at(-1)).toBeGreaterThanOrEqual(most);
      }),
    );
    expect(logTicks(0.03, 0.4)).toEqual([0.02, 0.05, 0.1, 0.2, 0.5]);
  });
});
