import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEMO_MODEL, demoTexts } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-card-'));
  await writeFile(join(directory, 'text.txt'), (await demoTexts()).evaluation.slice(0, 20_000));
  await writeFile(
    join(directory, 'recipe.yaml'),
    `model: ${DEMO_MODEL}
output: ./out
pipeline:
  - rtn: { grid: int4, groupSize: 128 }
format: gptq
evaluate:
  - perplexity: { text: ./text.txt, context: 64, windows: 2 }
  - divergence: { text: ./text.txt, context: 64, windows: 4 }
`,
  );
});
afterAll(() => rm(directory, { recursive: true }));

async function cli(...args: string[]) {
  const { code, json } = await runInFolder(directory, [...args, '--json']);
  return { code, json: json() };
}

const file = (...names: string[]) => readFile(join(directory, ...names), 'utf8');

it('is in the output of a run and of a conversion, with what was measured, and covered by the manifest', async () => {
  const { code, json } = await cli('run', 'recipe.yaml');
  expect(code).toBe(EXIT.ok);
  const [perplexity, divergence] = json.evaluations;
  const row = ({ before, after }: typeof perplexity) =>
    `| perplexity (text.txt, ${after.windows} windows of 64 tokens) | ${before.perplexity.toFixed(3)} | ${after.perplexity.toFixed(3)} |`;
  const card = await file('out', 'README.md');
  expect(card).toContain(row(perplexity));
  expect(card).toContain(row(divergence));
  expect(card).toMatch(
    /\| KL divergence from the model before, .*4 windows of 64 tokens\) \| \| 0\.\d+, 0\.\d+, \d\.\d+ \|/,
  );
  expect(card).toMatch(/\| same most likely token as the model before .* \| \| \d\d\.\d\d % \|/);
  const baseCard = await readFile(join(DEMO_MODEL, 'README.md'), 'utf8');
  expect(await file('out', 'README.base.md')).toBe(baseCard);
  expect(await file('out', 'report.html')).toContain('<dt>KL from the input</dt>');
  const measure = ['--text', 'text.txt', '--context', '64', '--windows', '4'];
  const alone = await cli('eval', 'out', ...measure, '--reference', DEMO_MODEL);
  expect(divergence).toMatchObject({ measure: 'divergence', divergence: alone.json.divergence });
  expect(divergence.after.nll).toBe(alone.json.nll);
  expect(divergence.before.nll).toBe((await cli('eval', DEMO_MODEL, ...measure)).json.nll);

  expect(await cli('verify', 'out')).toMatchObject({ code: EXIT.ok });
  await writeFile(join(directory, 'out', 'README.md'), `${await file('out', 'README.md')} `);
  expect((await cli('verify', 'out')).json.mismatches).toMatchObject([{ file: 'README.md', problem: 'size' }]);

  expect(await cli('convert', 'out', 'converted', '--format', 'compressed-tensors')).toMatchObject({ code: EXIT.ok });
  expect(await cli('verify', 'converted')).toMatchObject({ code: EXIT.ok });
  expect(await file('converted', 'README.md')).toMatch(/# demo-model, .* bits per weight[\s\S]*`compressed-tensors`/);
  expect(await file('converted', 'README.base.md')).toBe(baseCard);
});
