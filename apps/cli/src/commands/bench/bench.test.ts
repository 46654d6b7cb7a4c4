import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CellResult } from '../../bench/cell.ts';
import { DEMO_MODEL, demoTexts } from '../../demo-model.ts';
import { EXIT } from '../../exit-codes.ts';
import { runInFolder } from '../../run-cli.test.fixture.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-bench-'));
  const { evaluation } = await demoTexts();
  await writeFile(join(directory, 'text.txt'), evaluation.slice(0, 40_000));
});
afterAll(() => rm(directory, { recursive: true }));

const matrix = (name: string, { grid = 'int4', samples = 2 } = {}) => `results: ./${name}.jsonl
inputs: pnpm make-inputs
models:
  demo: ${DEMO_MODEL}
calibration: { text: ./text.txt, samples: ${samples}, length: 64 }
pipelines:
  rounded: { pipeline: [rtn: { grid: ${grid} }] }
  W4: { pipeline: [gptq: { grid: int4 }], format: gptq }
evaluations:
  short: { perplexity: { text: ./text.txt, context: 64, windows: 2 } }
`;

const bench = (
  args: string[],
  { signal, onLine = () => {} }: { signal?: AbortSignal; onLine?(line: string): void } = {},
) =>
  runInFolder(directory, ['bench', ...args], {
    ...(signal && { signal }),
    progress: { update: ({ label, detail }) => onLine(`${label} ${detail}`), log: onLine },
  });

async function write(name: string, options = {}): Promise<string> {
  await writeFile(join(directory, `${name}.yaml`), matrix(name, options));
  return `${name}.yaml`;
}

async function results(name: string): Promise<CellResult[]> {
  const text = await readFile(join(directory, `${name}.jsonl`), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const digests = (cells: readonly CellResult[]) =>
  Object.fromEntries(cells.map(({ pipeline, digest }) => [pipeline, digest]));

describe('compress bench', () => {
  it('does what is missing, once, and again only what a change touches', async () => {
    const file = await write('whole');
    const first = await bench([file, '--json', '--threads', '1', '--workers', '2']);
    expect(first.lines[0]).toBe('3 cells, 0 known, 3 to do.');
    expect(first).toMatchObject({ code: EXIT.ok });
    expect(first.json()).toMatchObject({ cells: 3, done: 3, failures: [] });
    const cells = await results('whole');
    expect(cells.map(({ pipeline }) => pipeline)).toEqual(['W4', 'input', 'rounded']);
    expect(cells[0]).toMatchObject({ model: 'demo', evaluation: 'short', inputs: { compression: { format: 'gptq' } } });
    expect(cells[0].layers).toHaveLength(28);
    expect(cells[0].figures.loss).toHaveLength(28);
    expect(cells[0].memory.compress).toBeGreaterThan(1e7);

    expect((await bench([file, '--json'])).json()).toMatchObject({ cells: 3, done: 0 });

    // Rounding observes nothing: of what the calibration is, only GPTQ's cell depends.
    await write('whole', { samples: 3 });
    const more = await bench([file]);
    expect(more.lines[0]).toBe('3 cells, 2 known, 1 to do.');
    await write('whole', { samples: 3, grid: 'int8' });
    const wider = await bench([file]);
    expect(wider.lines[0]).toBe('3 cells, 2 known, 1 to do.');
    const after = digests(await results('whole'));
    expect(after.input).toBe(digests(cells).input);
    expect(after.W4).not.toBe(digests(cells).W4);
    expect(after.rounded).not.toBe(digests(cells).rounded);
    expect((await readdir(directory)).filter((name) => name.startsWith('whole'))).toEqual([
      'whole.jsonl',
      'whole.yaml',
    ]);
  });

  it('measures how far outputs are from their model', async () => {
    const both = '  short: { perplexity: { text: ./text.txt, context: 64, windows: 2 } }\n';
    const text = matrix('far').replace(
      both,
      `${both}${both.replace('short', 'far').replace('perplexity', 'divergence')}`,
    );
    await writeFile(join(directory, 'far.yaml'), text);
    expect(await bench(['far.yaml', '--workers', '2'])).toMatchObject({ code: EXIT.ok });
    const cells = await results('far');
    const metrics = (pipeline: string, evaluation: string) =>
      cells.find((cell) => cell.pipeline === pipeline && cell.evaluation === evaluation)!.metrics;
    expect(metrics('input', 'far')).toMatchObject({ kl: 0, klMax: 0, top1Agreement: 1, flips: 0 });
    for (const pipeline of ['input', 'rounded', 'W4']) {
      expect(metrics(pipeline, 'far')).toMatchObject(metrics(pipeline, 'short'));
      expect(metrics(pipeline, 'short').bitsPerByte).toBeGreaterThan(0);
    }
    for (const pipeline of ['rounded', 'W4']) {
      const { kl, klP99, klMax, top1Agreement } = metrics(pipeline, 'far');
      expect(kl).toBeGreaterThan(1e-4);
      expect(klP99).toBeGreaterThan(kl);
      expect(klMax).toBeGreaterThanOrEqual(klP99);
      expect(top1Agreement).toBeLessThan(1);
    }
  });

  it('goes on after an end at any moment, and comes out the same', async () => {
    const file = await write('stopped');
    const stopAt = async (moment: RegExp) => {
      const controller = new AbortController();
      const onLine = (line: string) => {
        if (moment.test(line)) controller.abort(new Error('The run was interrupted.'));
      };
      return bench([file], { signal: controller.signal, onLine });
    };
    expect(await stopAt(/rounded: Compressing [3-9]\d %/)).toMatchObject({ code: EXIT.interrupted });
    expect(await stopAt(/W4: Perplexity/)).toMatchObject({
      code: EXIT.interrupted,
      lines: ['3 cells, 1 known, 2 to do.', /Going on/, expect.anything()],
    });
    const lines: string[] = [];
    const end = await bench([file], { onLine: (line) => void lines.push(line) });
    expect(end.lines[0]).toBe('3 cells, 2 known, 1 to do.');
    // The output of GPTQ was whole and only had to be measured.
    expect(lines.filter((line) => line.includes('Compressing'))).toEqual([]);
    await write('straight');
    await bench(['straight.yaml']);
    expect(digests(await results('stopped'))).toEqual(digests(await results('straight')));
  });

  it('tells before any work what cannot be done, with its place in the matrix', async () => {
    await writeFile(join(directory, 'bad.yaml'), matrix('bad').replace('int4 }] }', 'int4, groupSize: 100 }] }'));
    expect(await bench(['bad.yaml'])).toMatchObject({
      code: EXIT.usage,
      lines: [expect.stringMatching(/bad\.yaml:7:25: [\s\S]*columns cannot be cut into groups of 100/)],
    });
    await writeFile(join(directory, 'bad.yaml'), matrix('bad').replaceAll('text.txt', 'none.txt'));
    const absent = await bench(['bad.yaml']);
    expect(absent.code).toBe(EXIT.failure);
    expect(absent.lines[0]).toMatch(
      /bad\.yaml:10:24: .*no such file\. `pnpm make-inputs` makes what this matrix reads\.$/,
    );
    expect((await bench(['none.yaml'])).code).toBe(EXIT.usage);
    expect((await bench(['bad.yaml', '--shard', '3/2'])).code).toBe(EXIT.usage);
  });
});
