import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '@compress/core';
import { createKernels } from '@compress/kernels';
import { expect, test } from 'vitest';
import { modelFromConfig } from './model-from-config.ts';
import { runModel } from './testing/run-model.ts';

const folder = fileURLToPath(new URL('../../../apps/cli/demo-model', import.meta.url));
const there = existsSync(join(folder, 'golden.json'));
if (!there) console.warn('skipped: the demo model is not there, so its golden logits are not tested');

const read = async (name: string) => JSON.parse(await readFile(join(folder, name), 'utf8'));

test.skipIf(!there)('the demo model: logits and likelihood as transformers computed them', async () => {
  const golden = await read('golden.json');
  const checkpoint = await openCheckpoint(folder);
  const model = modelFromConfig(await read('config.json'), checkpoint.tensors);
  const tokens = Uint32Array.from(golden.ids_with_bos);
  const kernels = await createKernels({ threads: 1 });
  const logits = await runModel(model, checkpoint, { tokens, length: tokens.length }, kernels);
  await checkpoint.close();
  golden.first_position_logits_first8.forEach((logit: number, i: number) => {
    expect(logits.data[i]).toBeCloseTo(logit, 4);
  });
  const last = logits.data.subarray((logits.rows - 1) * logits.columns);
  for (const [token, logit] of golden.last_logits_top5) expect(last[token]).toBeCloseTo(logit, 4);
  const scored = { rows: tokens.length - 1, columns: logits.columns };
  const picked = await kernels.logSoftmaxPick({
    logits: { ...scored, data: logits.data.subarray(0, scored.rows * scored.columns) },
    picked: tokens.subarray(1),
  });
  await kernels.close();
  expect(-picked.reduce((sum, value) => sum + value, 0) / picked.length).toBeCloseTo(golden.mean_nll, 4);
});
