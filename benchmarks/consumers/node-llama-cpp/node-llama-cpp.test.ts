import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openModelCheckpoint, planGgufExport } from '@compress/formats';
import { createKernels, type Kernels } from '@compress/kernels';
import { openTokenizer } from '@compress/models';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llamaCppRuns } from './llama-cpp-runs.ts';

const there = await llamaCppRuns();

const folder = fileURLToPath(new URL('../../../apps/cli/demo-model', import.meta.url));

let scratch: string;
let kernels: Kernels;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'compress-llama-cpp-'));
  kernels = await createKernels({ threads: 1 });
});
afterAll(async () => {
  await kernels.close();
  await rm(scratch, { recursive: true });
});

async function exported(type: string): Promise<string> {
  const output = join(scratch, `${type}.gguf`);
  const checkpoint = await openModelCheckpoint(folder);
  const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  const { write } = await planGgufExport({ folder, config, checkpoint, kernels, output, type, card: { name: 'demo' } });
  await write();
  await checkpoint.close();
  return output;
}

it.skipIf(!there)('llama.cpp cuts texts into the same tokens', async () => {
  const { openLlamaCpp } = await import('./llama-cpp.ts');
  const llama = await openLlamaCpp(await exported('q8_0'), 64);
  const tokenizer = await openTokenizer(folder);
  const texts = [
    "The Congress of the United States met in 1789, and it hasn't   stopped.",
    ' leading, trailing \n\n\n lines\twith tabs and 1234567890 digits',
    'naïve café, “quotes”, 日本語, emoji 🎉 and \u00a0 spaces',
  ];
  for (const text of texts) expect(llama.tokenize(text), text).toEqual(tokenizer.encode(text, { special: false }));
  await llama.close();
});

it.skipIf(!there).each([
  ['f16', 1e-4, 32],
  // llama.cpp rounds activations to 8 bits where weights are in blocks.
  ['q8_0', 1e-2, 28],
  ['q4_k_m', 1e-2, 28],
])('llama.cpp sees in %s what we see', async (type, tolerance, same) => {
  const { compareWithLlamaCpp } = await import('./compare.ts');
  const text =
    'Fellow citizens of the Senate and of the House of Representatives: the year that is past has been one of peace, ' +
    'and the revenue of the Treasury has exceeded what was expected of it. The debt of the nation has been reduced by ten millions of dollars.';
  const tokens = (await openTokenizer(folder)).encode(text, { special: false });
  const { relative, greedy } = await compareWithLlamaCpp(await exported(type), [tokens], kernels);
  expect(Math.abs(relative)).toBeLessThan(tolerance);
  expect(greedy.of).toBe(32);
  expect(greedy.same).toBeGreaterThanOrEqual(same);
});
