import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCheckpoint, writeCheckpoint } from '@compress/core';
import { perplexity } from '@compress/evaluate';
import { createReferenceKernels } from '@compress/kernels';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openModel } from './open-model.ts';

const GOLDEN = fileURLToPath(new URL('../../../../packages/models/goldens/llama-tied', import.meta.url));
const TEST_DATA = fileURLToPath(new URL('../../test-data', import.meta.url));
const kernels = createReferenceKernels();
const tokens = Uint32Array.from({ length: 48 }, (_, i) => (i * i * 7 + i) % 67);

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'compress-kinds-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Puts the golden's weights into a folder in another form. */
const kinds: Record<string, (folder: string) => Promise<unknown>> = {
  'shards of safetensors': async (folder) => {
    const stored = await openCheckpoint(GOLDEN);
    const tensors = [...stored.tensors.values()].map((info) => ({ ...info, bytes: () => stored.read(info.name) }));
    await writeCheckpoint(folder, tensors, { maxShardBytes: 20_000 });
    await stored.close();
  },
  'one file of PyTorch, the head tied in it': (folder) => cp(join(TEST_DATA, 'pytorch'), folder, { recursive: true }),
  'shards of PyTorch': (folder) => cp(join(TEST_DATA, 'pytorch-shards'), folder, { recursive: true }),
};

async function measure(folder: string) {
  const { checkpoint, model } = await openModel(folder, { directory: root, note: () => {} });
  try {
    const { nll } = await perplexity({ model, checkpoint, kernels, tokens, context: 16 });
    return { nll, tensors: [...checkpoint.tensors.keys()].sort() };
  } finally {
    await checkpoint.close();
  }
}

it.each(Object.keys(kinds))('%s: the same model to the last bit, and no tensor more', async (kind) => {
  const folder = join(root, kind);
  await kinds[kind](folder);
  await cp(join(GOLDEN, 'config.json'), join(folder, 'config.json'));
  expect(await measure(folder)).toEqual(await measure(GOLDEN));
});
