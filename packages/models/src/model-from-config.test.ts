import { createKernels, createReferenceKernels, type Kernels } from '@compress/kernels';
import { afterAll, describe, expect, test } from 'vitest';
import { modelFromConfig } from './model-from-config.ts';
import { goldenCases, readGolden } from './testing/golden.ts';
import { largestDifference } from './testing/largest-difference.ts';
import { runModel } from './testing/run-model.ts';

/** Largest |difference| from transformers' float32 logits, which are about 1 and at most 8. */
const MAX_DIFFERENCE = 1e-4;

const kinds: [string, Kernels][] = [
  ['reference', createReferenceKernels()],
  ['wasm', await createKernels({ threads: 2 })],
];
afterAll(() => Promise.all(kinds.map(([, kernels]) => kernels.close())));

describe.each(kinds)('logits of transformers, %s kernels', (_, kernels) => {
  test.each(goldenCases)('%s', async (name) => {
    const { config, checkpoint, logits, ...sequences } = await readGolden(name);
    const model = modelFromConfig(config, checkpoint.tensors);
    const computed = await runModel(model, checkpoint, sequences, kernels);
    await checkpoint.close();
    expect(computed.data.length).toBe(logits.length);
    expect(largestDifference(computed.data, logits)).toBeLessThanOrEqual(MAX_DIFFERENCE);
  });
});
