import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TensorSource, writeCheckpoint } from '@compress/core';
import { openModelCheckpoint, planGgufExport } from '@compress/formats';
import { createKernels } from '@compress/kernels';
import { openTokenizer } from '@compress/models';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { llamaCppRuns } from './llama-cpp-runs.ts';

const there = await llamaCppRuns();

/** Tiny vocabularies with the ways of cutting text of real ones, made by packages/models/goldens/make_tokenizers.py. */
const TOKENIZERS = fileURLToPath(new URL('../../../packages/models/goldens/tokenizers', import.meta.url));

const TEXTS = [
  "The Congress of the United States met in 1789, and it hasn't   stopped.",
  'tabs\tand lines\nhere, 1234567890 digits, x=3.14',
  'naïve café, “quotes”, 日本語, emoji 🎉',
  "we'll see I'M here; they'd gone  (twice)",
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'compress-tokenizers-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A model of one layer and no sense with this vocabulary, as a GGUF file. */
async function modelWith(tokenizer: string): Promise<string> {
  await copyFile(join(TOKENIZERS, `${tokenizer}.json`), join(folder, 'tokenizer.json'));
  const { model, added_tokens } = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8'));
  const ids: number[] = [...Object.values<number>(model.vocab), ...added_tokens.map(({ id }: { id: number }) => id)];
  const vocabulary = Math.max(...ids) + 1;
  const config = {
    model_type: 'llama',
    hidden_size: 32,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    vocab_size: vocabulary,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
    bos_token_id: added_tokens[0]?.id ?? 0,
    eos_token_id: added_tokens[0]?.id ?? 0,
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const layer = 'model.layers.0';
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [vocabulary, 32],
    'model.norm.weight': [32],
    [`${layer}.input_layernorm.weight`]: [32],
    [`${layer}.post_attention_layernorm.weight`]: [32],
  };
  for (const part of ['q_proj', 'k_proj', 'v_proj', 'o_proj']) shapes[`${layer}.self_attn.${part}.weight`] = [32, 32];
  for (const part of ['gate_proj', 'up_proj', 'down_proj']) shapes[`${layer}.mlp.${part}.weight`] = [32, 32];
  const tensors = Object.entries(shapes).map(([name, shape]): TensorSource => {
    const values = new Float32Array(shape.reduce((a, b) => a * b)).fill(0.1);
    return {
      name,
      dtype: 'F32',
      shape,
      byteLength: values.byteLength,
      bytes: async () => new Uint8Array(values.buffer),
    };
  });
  await writeCheckpoint(folder, tensors);
  const kernels = await createKernels({ threads: 1 });
  const checkpoint = await openModelCheckpoint(folder);
  const output = join(folder, 'model.gguf');
  const { write } = await planGgufExport({
    folder,
    config,
    checkpoint,
    kernels,
    output,
    type: 'f32',
    card: { name: 'x' },
  });
  await write();
  await Promise.all([checkpoint.close(), kernels.close()]);
  return output;
}

it.skipIf(!there).each(['gpt2', 'smollm', 'llama3', 'qwen', 'llama2'])(
  'llama.cpp cuts texts as the vocabulary %s does',
  async (name) => {
    const { openLlamaCpp } = await import('./llama-cpp.ts');
    const llama = await openLlamaCpp(await modelWith(name), 64);
    const tokenizer = await openTokenizer(folder);
    for (const text of TEXTS) {
      const ours = [...tokenizer.encode(text, { special: false })];
      expect([...llama.tokenize(text)], text).toEqual(ours);
    }
    await llama.close();
  },
);
