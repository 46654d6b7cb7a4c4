import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Inference, loadSection, runSection } from '@compress/core';
import { likeliestToken } from '@compress/evaluate';
import { createKernels } from '@compress/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_MODEL } from '../demo-model.ts';
import { EXIT } from '../exit-codes.ts';
import { openModel } from '../model/open-model.ts';
import { runInFolder } from '../run-cli.test.fixture.ts';

let directory: string;
let golden: { text: string; ids_with_bos: number[]; greedy_24: number[]; greedy_text: string };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'compress-generate-'));
  golden = JSON.parse(await readFile(join(DEMO_MODEL, 'golden.json'), 'utf8'));
});
afterAll(() => rm(directory, { recursive: true }));

const cli = (...args: string[]) => runInFolder(directory, ['generate', ...args, '--threads', '1']);

/** The demo model under another name, with these files beside it. */
async function variant(name: string, files: Record<string, unknown>): Promise<string> {
  await cp(DEMO_MODEL, join(directory, name), { recursive: true });
  for (const [file, content] of Object.entries(files))
    await writeFile(join(directory, name, file), JSON.stringify(content));
  return `./${name}`;
}

const greedy = (model: string, tokens = 24) => ['--json', model, '--prompt', golden.text, '--tokens', `${tokens}`];

describe('compress generate', () => {
  it('says greedily what transformers says, piece by piece', async () => {
    const result = (await cli(...greedy(DEMO_MODEL))).json();
    expect(result.tokens).toEqual(golden.greedy_24);
    expect(result.text).toBe(golden.greedy_text);
    expect(result).toMatchObject({
      end: 'length',
      promptTokens: 17,
      decodedTokens: 23,
      cachedTokens: 40,
      sampling: null,
    });
    // 4 blocks, keys and values of 2 heads of 64, in f32.
    expect(result.cacheBytes).toBe(4 * 40 * 2 * 128 * 4);
    expect(result.decodeTokensPerSecond).toBeGreaterThan(0);

    const shown = await cli(DEMO_MODEL, '--prompt', golden.text, '--tokens', '24');
    expect(shown.stdout).toBe(`${golden.greedy_text}\n`);
    expect(shown.pieces.length).toBeGreaterThan(20);
    expect(shown.log).toMatch(
      /^prompt {3}17 tokens in .*\ndecode {3}23 tokens in .*\ncache {4}164 kB for 40 tokens\nend /,
    );
  });

  it('ends where generation_config.json says', async () => {
    const full = 14;
    const model = await variant('stops', { 'generation_config.json': { eos_token_id: [4095, full] } });
    const result = (await cli(...greedy(model))).json();
    expect(result.tokens).toEqual(golden.greedy_24.slice(0, golden.greedy_24.indexOf(full)));
    expect(result.end).toBe('stop');
    const broken = await variant('broken', { 'generation_config.json': { eos_token_id: 'end' } });
    expect((await cli(...greedy(broken))).json().errors).toMatchObject([{ code: 'config-invalid' }]);
  });

  it('draws the same tokens with the same seed, and others with another', async () => {
    const draw = async (...more: string[]) =>
      (await cli(...greedy(DEMO_MODEL), '--temperature', '0.9', ...more)).json().tokens;
    const first = await draw('--seed', '1', '--top-k', '50', '--top-p', '0.95');
    expect(await draw('--seed', '1', '--top-k', '50', '--top-p', '0.95')).toEqual(first);
    expect(await draw('--seed', '2', '--top-k', '50', '--top-p', '0.95')).not.toEqual(first);
    expect(await draw('--top-k', '1')).toEqual(golden.greedy_24);
  });

  it.each([
    ['keys after RoPE', false],
    ['keys before RoPE', true],
  ])('decodes with the packed cache that a folder asks for, rotated and rounded: %s', async (_, keysBeforeRotary) => {
    const inference: Inference = {
      sites: Object.fromEntries(
        [0, 1, 2, 3].map((layer) => [
          `model.layers.${layer}.attention_input`,
          { quantizer: { bits: 8, scale: 'token' } },
        ]),
      ),
      attention: Object.fromEntries(
        [0, 1, 2, 3].map((layer) => [
          `blocks.${layer}`,
          {
            rotation: { kind: 'hadamard', size: 64 },
            cache: {
              keys: { grid: { kind: 'int', bits: 2 }, axis: 'channel', groupSize: 16 },
              values: { grid: { kind: 'int', bits: 2 }, axis: 'token', groupSize: 32 },
              keysBeforeRotary,
              window: 16,
              sinks: 1,
            },
          },
        ]),
      ),
    };
    const name = await variant(`cache-${keysBeforeRotary}`, { 'inference.json': inference });
    const result = (await cli(...greedy(name, 60))).json();
    // Codes of 2 bits with two f16 a group of 16 or 32; of 76 tokens 64 keys and 58 values are rounded, all others are f32.
    const rounded = 64 * 128 * (2 + 32 / 16) + 58 * 128 * (2 + 32 / 32);
    expect(result.cacheBytes).toBe(4 * (rounded / 8 + (76 - 64 + 76 - 58) * 128 * 4));
    expect(result.tokens).toEqual(await likeliest(name, [...golden.ids_with_bos, ...result.tokens], 60));
  });

  it('refuses what cannot be', async () => {
    expect(await cli(DEMO_MODEL, '--prompt', 'x', '--top-k', '4')).toMatchObject({
      code: EXIT.usage,
      log: expect.stringContaining('give --temperature'),
    });
    expect((await cli(DEMO_MODEL, '--prompt', 'x', '--temperature', '0')).code).toBe(EXIT.usage);
    expect((await cli(DEMO_MODEL, '--prompt', 'x', '--temperature', '1', '--top-p', '1.5')).code).toBe(EXIT.usage);
    expect(await cli(DEMO_MODEL, '--prompt', 'the Union '.repeat(600))).toMatchObject({
      code: EXIT.failure,
      log: expect.stringContaining('is longer than the model'),
    });
  });
});

/** What a pass over the whole text, with the cache simulated, has for the likeliest token at each of the last `count` places. */
async function likeliest(name: string, ids: readonly number[], count: number): Promise<number[]> {
  const { model, checkpoint } = await openModel(name, { directory, note: () => {} });
  const kernels = await createKernels({ threads: 1 });
  const tokens = Uint32Array.from(ids.slice(0, -1));
  const hidden = kernels.matrix(tokens.length, model.hiddenSize);
  const batch = { sequences: 1, length: tokens.length, tokens, hidden, state: new Map() };
  try {
    for (const section of model.sections) {
      const weights = await loadSection(checkpoint, section, kernels);
      const program = model.open(section, weights, kernels);
      if (section.kind === 'head') {
        const { data, columns } = await model.logits(program, weights, hidden, kernels);
        const rows = Array.from({ length: count }, (_, i) => tokens.length - count + i);
        return rows.map((row) => likeliestToken(data.subarray(row * columns, (row + 1) * columns)));
      }
      await runSection(program, weights, batch, kernels);
    }
    throw new Error('the model has no head');
  } finally {
    await kernels.close();
    await checkpoint.close();
  }
}
