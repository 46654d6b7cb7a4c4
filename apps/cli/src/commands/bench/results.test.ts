import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../bench/canonical-json.ts';
import type { CellResult } from '../../bench/cell.ts';
import { type ChartPoint, frontier } from '../../bench/report/frontier-chart.ts';
import { shardOf } from '../../bench/shard.ts';
import { EXIT } from '../../exit-codes.ts';
import { runInFolder } from '../../run-cli.test.fixture.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-results-'));
});
afterAll(() => rm(directory, { recursive: true }));

const bench = (...args: string[]) => runInFolder(directory, ['bench', ...args]);

/** A line of results; its key stands for its inputs. */
function cell(pipeline: string, perplexity: number, more: Partial<CellResult> = {}): CellResult {
  const input = pipeline === 'input';
  const metrics = { perplexity };
  return {
    key: digestOf({ pipeline }),
    model: 'a <model>',
    pipeline,
    evaluation: 'speech',
    inputs: {
      model: digestOf('model'),
      compression: input ? null : { pipeline: [], format: 'gptq', seed: 0, calibration: null },
      evaluation: { measure: 'perplexity', settings: {}, texts: [digestOf('text')] },
      numerics: 'fma',
      versions: {},
    },
    metrics,
    inputBytes: 1000,
    bytes: input ? 1000 : 300,
    bitsPerWeight: input ? null : 4.25,
    warnings: 0,
    outputs: {},
    layers: input ? [] : ['model.layers.0.mlp.up_proj', 'model.layers.1.mlp.up_proj'],
    figures: input ? {} : { loss: [1, 2], rtnLoss: [2, 3] },
    digest: digestOf(metrics),
    seconds: { compress: 3, evaluate: 1 },
    memory: { compress: input ? null : 5e8, process: 6e8 },
    machine: {
      cpu: 'Some CPU',
      cores: 2,
      memory: 8e9,
      platform: 'linux x64',
      node: 'v24.0.0',
      threads: 2,
      load: 0.5,
    },
    finished: '2026-11-25T00:00:00.000Z',
    ...more,
  };
}

async function write(name: string, cells: readonly CellResult[]): Promise<string> {
  await writeFile(join(directory, name), cells.map((one) => `${JSON.stringify(one)}\n`).join(''));
  return name;
}

describe('bench merge', () => {
  it('joins shards to what one machine would have written', async () => {
    const a = await write('a.jsonl', [cell('input', 40), cell('W4', 41)]);
    const b = await write('b.jsonl', [cell('W3', 45), cell('W4', 41, { finished: '2026-11-26T00:00:00.000Z' })]);
    expect(await bench('merge', a, b, '--output', 'ab.jsonl')).toMatchObject({
      code: EXIT.ok,
      stdout: '3 cells, 1 of them done twice with the same digest\n',
    });
    await bench('merge', b, a, '--output', 'ba.jsonl');
    const names = async (name: string) =>
      (await readFile(join(directory, name), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).pipeline);
    expect(await names('ab.jsonl')).toEqual(['W3', 'W4', 'input']);
    expect(await names('ba.jsonl')).toEqual(['W3', 'W4', 'input']);
  });

  it('shows both of a cell that came out twice and not the same', async () => {
    const a = await write('one.jsonl', [cell('W4', 41)]);
    const b = await write('two.jsonl', [cell('W4', 42)]);
    const { code, lines } = await bench('merge', a, b, '--output', 'none.jsonl');
    expect(code).toBe(EXIT.failure);
    expect(lines[0]).toMatch(
      /a <model> · W4 · speech was done twice.*perplexity 41\) in one\.jsonl.*perplexity 42\) in two\.jsonl/,
    );
    expect(lines[0]).toContain('metrics.perplexity was 41, is 42');
    await expect(readFile(join(directory, 'none.jsonl'))).rejects.toThrow('ENOENT');
  });

  it('names the line that is none', async () => {
    await writeFile(join(directory, 'bad.jsonl'), `${JSON.stringify(cell('W4', 41))}\n{"key": 3}\n`);
    const { lines } = await bench('merge', 'bad.jsonl', '--output', 'none.jsonl');
    expect(lines[0]).toMatch(/bad\.jsonl:2: This is no line of results/);
    expect((await bench('merge', 'absent.jsonl', '--output', 'none.jsonl')).lines[0]).toMatch(/no results here/);
  });
});

describe('bench report', () => {
  it('writes a page that stands alone and a table of Markdown', async () => {
    await write('all.jsonl', [cell('W3 | 2', 45, { bitsPerWeight: 3.25 }), cell('input', 40), cell('W4', 41)]);
    expect(await bench('report', 'all.jsonl')).toMatchObject({ code: EXIT.ok });
    const markdown = await readFile(join(directory, 'all.md'), 'utf8');
    expect(markdown.split('\n').filter((line) => line.startsWith('| a'))).toEqual([
      '| a <model> | input |  | 1.00 kB |  | 40.000 |  | 600 MB | 0 |',
      '| a <model> | W4 | gptq | 300 B | 4.25 | 41.000 | 3.0 s | 500 MB | 0 |',
      '| a <model> | W3 \\| 2 | gptq | 300 B | 3.25 | 45.000 | 3.0 s | 500 MB | 0 |',
    ]);
    expect(markdown).toContain('Some CPU, 2 cores, 8.00 GB, linux x64, Node v24.0.0, 2 threads, numerics fma: 3 cells');
    const page = await readFile(join(directory, 'all.html'), 'utf8');
    expect(page).toContain('<td data-value="a &lt;model&gt;">');
    expect(page.match(/<svg/g)).toHaveLength(2 + 1 + 2);
    expect(page).not.toMatch(/<(link|img|script src|iframe)|@import|url\(/);
  });

  it('draws distances from the model as it is, of which no ratio can be made', async () => {
    const far = (pipeline: string, kl: number, more: Partial<CellResult> = {}) => {
      const { inputs, ...plain } = cell(pipeline, 40);
      const metrics = { kl, klP99: 10 * kl, klMax: 50 * kl, top1Agreement: 1 - kl, perplexity: 40, bitsPerByte: 1.25 };
      return {
        ...plain,
        inputs: { ...inputs, evaluation: { ...inputs.evaluation, measure: 'divergence' } },
        metrics,
        ...more,
      };
    };
    const cells = [
      far('input', 0),
      far('W4', 0.01),
      far('W3', 0.04, { bitsPerWeight: 3.25 }),
      far('W2', 0, { bitsPerWeight: 2 }),
    ];
    await write('far.jsonl', cells);
    expect(await bench('report', 'far.jsonl')).toMatchObject({ code: EXIT.ok });
    const markdown = await readFile(join(directory, 'far.md'), 'utf8');
    expect(markdown).toContain('| KL | KL, 99 % | KL, largest | top-1 agreement | perplexity | bits per byte |');
    expect(markdown).toContain(
      '| a <model> | W4 | gptq | 300 B | 4.25 | 0.01000 | 0.1000 | 0.500 | 0.9900 | 40.000 | 1.2500 | 3.0 s | 500 MB | 0 |',
    );
    const page = await readFile(join(directory, 'far.html'), 'utf8');
    expect(page).toContain('KL from the model as it is');
    expect(page).not.toMatch(/NaN|Infinity/);
  });
});

describe('frontier', () => {
  it('holds exactly what no other point beats', () => {
    const point = fc.record({
      name: fc.string(),
      cost: fc.integer({ min: 0, max: 9 }),
      score: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 12 }), (points: ChartPoint[]) => {
        const beaten = (p: ChartPoint) =>
          points.some((q) => q.cost <= p.cost && q.score <= p.score && (q.cost < p.cost || q.score < p.score));
        const places = (list: readonly ChartPoint[]) =>
          [...new Set(list.map(({ cost, score }) => `${cost} ${score}`))].sort();
        expect(places(frontier(points))).toEqual(places(points.filter((p) => !beaten(p))));
      }),
    );
  });
});

describe('shardOf', () => {
  it('parts a list, whatever the number of shards', () => {
    const list = [...'abcdefg'];
    for (const count of [1, 2, 3, 9]) {
      const parts = Array.from({ length: count }, (_, i) => shardOf(list, { index: i + 1, count }));
      expect(parts.flat().sort()).toEqual(list);
    }
  });
});
