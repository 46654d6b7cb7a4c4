import { perplexity } from '@compress/evaluate';
import { createKernels } from '@compress/kernels';
import { openTokenizer } from '@compress/models';
import { expect, it } from 'vitest';
import { DEMO_MODEL, demoTexts } from './demo-model.ts';
import { openModel } from './model/open-model.ts';

it('has the perplexity that transformers measured in f32 (see its README)', async () => {
  const { evaluation } = await demoTexts();
  const tokens = (await openTokenizer(DEMO_MODEL)).encode(evaluation, { special: false });
  expect(tokens.length).toBe(182_872);
  const { model, checkpoint } = await openModel(DEMO_MODEL, { directory: '/', note: () => {} });
  const kernels = await createKernels();
  try {
    const result = await perplexity({ model, checkpoint, kernels, tokens, context: 512, windows: 64 });
    expect(result.tokens).toBe(64 * 511);
    expect(result.nll).toBeCloseTo(3.73435, 4);
    expect(result.perplexity).toBeCloseTo(41.861, 2);
  } finally {
    await kernels.close();
    await checkpoint.close();
  }
});
