import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_MODEL, demoTexts } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-eval-'));
  const { evaluation } = await demoTexts();
  await writeFile(join(directory, 'text.txt'), evaluation.slice(0, 10_000));
});
afterAll(() => rm(directory, { recursive: true }));

const cli = (args: string[]) => runInFolder(directory, args);

describe('compress eval and compare', () => {
  const texts = ['--text', 'text.txt', '--context', '64', '--json'];

  it('measures windows that overlap, from a token on, and with a beginning token', async () => {
    const measure = async (...more: string[]) => (await cli(['eval', DEMO_MODEL, ...texts, ...more])).json();
    const strided = await measure('--windows', '5', '--stride', '16');
    expect(strided).toMatchObject({ windows: 5, stride: 16, tokens: 63 + 4 * 16 });
    expect(strided.bitsPerByte).toBeCloseTo((strided.nll * strided.tokens) / Math.log(2) / strided.bytes, 12);
    const half = await measure('--windows', '2', '--score-from', '33', '--bos');
    expect(half).toMatchObject({ windows: 2, scoreFrom: 33, bos: 0, tokens: 2 * 31 });
  });

  it('compares two models token by token, and refuses other tokens', async () => {
    const keep = async (file: string, ...more: string[]) =>
      cli(['eval', DEMO_MODEL, ...texts, '--per-token', file, ...more]);
    const plain = (await keep('plain.safetensors', '--windows', '3')).json();
    const cached = (await keep('cached.safetensors', '--windows', '3', '--cache', '{ bits: 2 }')).json();
    const compared = await cli(['compare', 'plain.safetensors', 'cached.safetensors', '--json']);
    expect(compared.json()).toMatchObject({ tokens: plain.tokens, nll: [plain.nll, cached.nll] });
    expect(compared.json().difference).toBeCloseTo(cached.nll - plain.nll, 12);
    await keep('other.safetensors', '--windows', '2');
    expect(await cli(['compare', 'plain.safetensors', 'other.safetensors'])).toMatchObject({
      code: EXIT.failure,
      log: expect.stringMatching(/other\.safetensors: This was made of other tokens: .*number of windows is 2 there/),
    });
  });

  it('holds a model against another one, whose distributions are kept', async () => {
    const measure = (model: string, ...more: string[]) => cli(['eval', model, ...texts, '--windows', '3', ...more]);
    const kept = ['--reference', DEMO_MODEL, '--keep-reference', 'kept.safetensors'];
    const plain = (await measure(DEMO_MODEL)).json();
    const self = (await measure(DEMO_MODEL, ...kept)).json();
    expect(self).toMatchObject({ nll: plain.nll, bytes: plain.bytes });
    expect(self.divergence).toMatchObject({ kl: { mean: 0, max: 0 }, top1Agreement: 1 });
    const cached = ['--cache', '{ bits: 2 }'];
    const first = (await measure(DEMO_MODEL, ...cached, ...kept)).json();
    const again = (await measure(DEMO_MODEL, ...cached, '--reference', 'kept.safetensors')).json();
    const anew = (await measure(DEMO_MODEL, ...cached, '--reference', DEMO_MODEL)).json();
    expect(first.divergence.kl.mean).toBeGreaterThan(0.001);
    expect(again.divergence).toEqual(first.divergence);
    expect(anew.divergence).toEqual(first.divergence);
    expect(first.divergence.sections).toHaveLength(5);

    const { stdout } = await cli([
      'eval',
      DEMO_MODEL,
      '--text',
      'text.txt',
      '--context',
      '64',
      '--windows',
      '3',
      ...cached,
      ...kept,
    ]);
    expect(stdout).toMatch(/^KL +mean 0\.\d+ ± .* nats \(token \d+\)$/m);
    expect(stdout).toMatch(/^cosine +0\.\d{5} after blocks\.3, least /m);

    expect(await measure(DEMO_MODEL, '--stride', '8', '--reference', 'kept.safetensors')).toMatchObject({
      code: EXIT.failure,
      log: expect.stringMatching(/kept\.safetensors: This was made of other tokens: .*stride is none there and 8 here/),
    });
    expect(await measure(DEMO_MODEL, '--keep-reference', 'x')).toMatchObject({ code: EXIT.usage });
  });

  it('tells after how many tokens two models go on differently', async () => {
    const windows = ['--windows', '2', '--reference', DEMO_MODEL];
    const measure = async (...more: string[]) =>
      (await cli(['eval', DEMO_MODEL, ...texts, ...windows, ...more])).json();
    const whole = { prompts: 2, tokens: 6, agreed: { mean: 6, median: 6, least: 6 }, whole: 2 };
    expect((await measure('--greedy', '6')).greedy).toEqual(whole);
    const { greedy, divergence } = await measure('--greedy', '12', '--cache', '{ bits: 2 }');
    expect(greedy).toMatchObject({ prompts: 2, tokens: 12 });
    expect(greedy.agreed.least).toBeLessThan(12);
    expect(divergence.kl.mean).toBeGreaterThan(0);
    const log = async (...more: string[]) => (await cli(['eval', DEMO_MODEL, ...texts, ...more])).log;
    expect(await log('--greedy', '6')).toMatch(/--greedy compares with what --reference says/);
    expect(await log('--greedy', '6', '--reference', 'text.txt')).toMatch(/text\.txt is a file that was kept/);
    expect(await log(...windows, '--greedy', '100000')).toMatch(/100000 tokens after windows of 64 are more than/);
  });

  it('refuses windows that cannot be', async () => {
    const measure = async (...more: string[]) => (await cli(['eval', DEMO_MODEL, ...texts, ...more])).log;
    expect(await measure('--stride', '65')).toMatch(/--stride must be at most the context, 64/);
    expect(await measure('--score-from', '64')).toMatch(/--score-from must be below the context, 64/);
    expect(await measure('--score-from', '2', '--stride', '2')).toMatch(/--score-from cannot stand beside stride/);
  });
});
