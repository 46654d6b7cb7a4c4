import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_MODEL, demoTexts } from './demo-model.ts';
import { EXIT } from './exit-codes.ts';
import { runInFolder } from './run-cli.test.fixture.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-cli-'));
  const { evaluation } = await demoTexts();
  await writeFile(join(directory, 'text.txt'), evaluation.slice(0, 40_000));
});
afterAll(() => rm(directory, { recursive: true }));

/** In the test's folder. `onLog` sees every line that is not a result. */
const cli = (args: string[], { signal, onLog = () => {} }: { signal?: AbortSignal; onLog?(line: string): void } = {}) =>
  runInFolder(directory, args, {
    ...(signal && { signal }),
    progress: { update: ({ label, detail }) => onLog(`${label} ${detail ?? ''}`), log: onLog },
  });

async function recipe(name: string, step: string, more = ''): Promise<string> {
  const text = `model: ${DEMO_MODEL}
output: ./${name}
calibration: { text: ./text.txt, samples: 4, length: 64 }
pipeline:
  - ${step}
${more}`;
  await writeFile(join(directory, `${name}.yaml`), text);
  return `${name}.yaml`;
}

const measured = 'evaluate:\n  perplexity: { text: ./text.txt, context: 64, windows: 4 }\n';

describe('compress run', () => {
  it('compresses, measures, reports, and leaves what eval and verify agree with', async () => {
    const file = await recipe('w4', 'gptq: { grid: int4, groupSize: 128 }', `format: gptq\n${measured}`);
    const run = await cli(['run', file, '--json', '--threads', '1', '--events', join(directory, 'events.jsonl')]);
    expect(run.code).toBe(EXIT.ok);
    const result = run.json();
    const warnings: { layer: string; algorithm: string; message: string }[] = result.warnings;
    expect(run.log).toBe(warnings.map((w) => `warning: ${w.layer}: ${w.algorithm}: ${w.message}`).join('\n'));
    const [{ before, after }] = result.evaluations;
    expect(result.touched).toBe(28);
    expect(result.layers).toHaveLength(28);
    expect(result.bytesAfter).toBeLessThan(0.46 * result.bytesBefore);
    expect(after.perplexity / before.perplexity).toBeGreaterThan(0.95);
    expect(after.perplexity / before.perplexity).toBeLessThan(1.1);
    expect(await readFile(result.report, 'utf8')).toContain('<h1>w4</h1>');

    const events = (await readFile(join(directory, 'events.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type).filter((type) => !['site', 'layer', 'warning'].includes(type))).toEqual([
      'start',
      ...Array(6).fill('section'),
      ...events.filter(({ type }) => type === 'write').map(() => 'write'),
      'end',
      'evaluation',
      'evaluation',
    ]);

    const measure = ['--text', 'text.txt', '--context', '64', '--windows', '4', '--json', '--threads', '1'];
    const evaluated = (await cli(['eval', 'w4', ...measure])).json();
    expect(evaluated.nll).toBe(after.nll);
    expect(evaluated).toMatchObject({ tokens: 4 * 63, perplexity: Math.exp(evaluated.nll) });
    expect(evaluated.tokensPerSecond).toBeGreaterThan(0);

    expect(await cli(['verify', 'w4'])).toMatchObject({ code: EXIT.ok });
    await appendFile(join(directory, 'w4/config.json'), ' ');
    const verified = await cli(['verify', 'w4', '--json']);
    expect(verified.code).toBe(EXIT.mismatch);
    expect(verified.json()).toMatchObject({ ok: false, mismatches: [{ file: 'config.json', problem: 'size' }] });

    expect(await cli(['inspect', 'w4', '--json']).then(({ json }) => json())).toMatchObject({
      supported: true,
      architecture: 'llama',
      parameters: 4_196_608,
      quantization: { bits: 4, group_size: 128 },
    });
    const again = await recipe('again', 'rtn: {}').then(async (name) => {
      const text = await readFile(join(directory, name), 'utf8');
      await writeFile(join(directory, name), text.replace(DEMO_MODEL, './w4'));
      return cli(['plan', name]);
    });
    expect(again.log).toMatch(/again\.yaml:1:8: This model is quantized already/);
  });

  it('prints a table for people', async () => {
    const { stdout } = await cli(['run', await recipe('table', 'rtn: { grid: int8 }', measured)]);
    expect(stdout).toMatch(/^layers +count +algorithm +bits/);
    expect(stdout).toMatch(/mlp\.down_proj +4 +rtn/);
    expect(stdout).toMatch(/perplexity +[\d.]+ → [\d.]+ \(text\.txt, 4 windows of 64\)/);
    expect(stdout).toMatch(/report +.*table\/report\.html\n$/);
  });

  it('ends cleanly when interrupted, says how to go on, and goes on to the same bytes', async () => {
    const file = await recipe('stopped', 'gptq: { grid: int3 }');
    const controller = new AbortController();
    const onLog = (line: string) => {
      if (line.includes('blocks.1')) controller.abort(new Error('The run was interrupted.'));
    };
    const stopped = await cli(['run', file, '--json'], { signal: controller.signal, onLog });
    expect(stopped.code).toBe(EXIT.interrupted);
    expect(stopped.json()).toEqual({ error: { code: 'interrupted', message: 'The run was interrupted.' } });
    expect(stopped.log).toContain('The same command goes on');

    const resumed = await cli(['run', file, '--json']);
    expect(resumed.json().resumedSections).toBeGreaterThan(0);
    expect(resumed.log).toMatch(/Going on from the journal: \d of 6 sections/);
    const whole = await cli(['run', await recipe('whole', 'gptq: { grid: int3 }'), '--json']);
    const outputs = async (folder: string) => JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')).outputs;
    expect(await outputs(resumed.json().output)).toEqual(await outputs(whole.json().output));
  });
});

describe('compress plan', () => {
  it('tells every Linear and what it costs, and writes nothing', async () => {
    const file = await recipe('planned', 'gptq: { grid: int4 }', 'format: gptq\n');
    const plan = (await cli(['plan', file, '--json'])).json();
    expect(plan.linears).toHaveLength(29);
    expect(plan.linears.filter(({ untouched }: { untouched?: string }) => untouched !== undefined)).toMatchObject([
      { layer: 'lm_head' },
    ]);
    const { stdout } = await cli(['plan', file, '--layers']);
    expect(stdout).toContain('model.layers.3.mlp.down_proj');
    expect(stdout).toMatch(/lm_head .* not touched: /);
    await expect(readFile(join(directory, 'planned/config.json'))).rejects.toThrow(/ENOENT/);
  });

  it('fails on what can be known to fail', async () => {
    const plan = async (name: string, step: string, more = '') => cli(['plan', await recipe(name, step, more)]);
    expect(await plan('divides', 'gptq: { groupSize: 100 }')).toMatchObject({
      code: EXIT.usage,
      log: expect.stringMatching(/divides\.yaml:5:5: 2 things[\s\S]*columns cannot be cut into groups of 100/),
    });
    expect((await plan('consumer', 'rtn: { grid: int5 }', 'format: gptq\n')).log).toMatch(/5/);
    const texts =
      'evaluate:\n  - perplexity: { text: ./none.txt, context: 64 }\n  - perplexity: { text: ./text.txt, context: 1024 }\n';
    expect((await plan('texts', 'rtn: {}', texts)).log.split('\n')).toEqual([
      expect.stringMatching(/texts\.yaml:7:25: There is no file .*none\.txt/),
      expect.stringMatching(/texts\.yaml:8:17: Windows of 1024 tokens are longer than the model's context of 512/),
    ]);
  });
});

describe('compress', () => {
  it('tells mistakes of a recipe by file, line and column, and exits with 2', async () => {
    const file = await recipe('wrong', 'gtpq: { bits: 4 }');
    const text = await cli(['run', file]);
    expect(text.code).toBe(EXIT.usage);
    expect(text.log).toBe(`error: ${join(directory, file)}:5:5: pipeline[0].gtpq is not known; did you mean gptq?`);
    const json = await cli(['run', file, '--json']);
    expect(json.json().errors).toMatchObject([{ code: 'recipe-invalid', line: 5, column: 5 }]);
    expect(await cli(['run', file, '--events', './no/where'])).toMatchObject({ code: EXIT.usage });
    expect((await cli(['run', 'none.yaml'])).log).toBe('error: none.yaml: There is no such recipe.');
  });

  it('has exit codes for help, a wrong command line, and a failure', async () => {
    expect(await cli(['--help'])).toMatchObject({
      code: EXIT.ok,
      log: '',
      stdout: expect.stringContaining('Usage: compress'),
    });
    expect(await cli(['--version'])).toMatchObject({ code: EXIT.ok, stdout: '1.2.3\n' });
    expect(await cli(['evla'])).toMatchObject({ code: EXIT.usage, stdout: '' });
    expect(await cli(['eval', DEMO_MODEL, '--context', '1'])).toMatchObject({ code: EXIT.usage });
    expect((await cli(['eval', DEMO_MODEL, '--context', '8'])).log).toMatch(/give one of text, jsonl or parquet/);
    expect(await cli(['inspect', './nowhere'])).toMatchObject({
      code: EXIT.failure,
      log: expect.stringMatching(/There is no folder/),
    });
    expect(await cli(['verify', '.'])).toMatchObject({ code: EXIT.failure, log: expect.stringMatching(/no manifest/) });
  });

  it('prints the schema that is committed', async () => {
    const committed = await readFile(join(import.meta.dirname, '../../../docs/recipe.schema.json'), 'utf8');
    expect((await cli(['schema'])).stdout).toBe(committed);
  });
});
