/**
 * Our side of the comparison: the dequantized weights of a GPTQ folder and the f32 logits of our forward pass on the first tokens of a
 * text, as a safetensors file with `tokens` [N], `logits` [N, vocabulary] and every dequantized `weight` under its own name.
 *
 *     node --conditions=@compress/source logits.ts FOLDER TEXT TOKENS OUT
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSection, runSection, type TensorSource, writeCheckpoint } from '@compress/core';
import { openModelCheckpoint } from '@compress/formats';
import { createKernels } from '@compress/kernels';
import { modelFromConfig, openTokenizer } from '@compress/models';

const [folder, text, count, out] = process.argv.slice(2);
const kernels = await createKernels();
const checkpoint = await openModelCheckpoint(folder);
const model = modelFromConfig(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')), checkpoint.tensors);
const tokenizer = await openTokenizer(folder);
const tokens = tokenizer.encode(await readFile(text, 'utf8'), { special: false }).slice(0, Number(count));
if (tokens.length < Number(count)) throw new RangeError(`${text} has ${tokens.length} tokens, not ${count}`);

const tensor = (
  name: string,
  dtype: 'F32' | 'U32',
  shape: readonly number[],
  data: Float32Array | Uint32Array,
): TensorSource => ({
  name,
  dtype,
  shape,
  byteLength: data.byteLength,
  bytes: async () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

const tensors = [tensor('tokens', 'U32', [tokens.length], tokens)];
const hidden = kernels.matrix(tokens.length, model.hiddenSize);
const batch = { sequences: 1, length: tokens.length, tokens, hidden, state: new Map() };
for (const section of model.sections) {
  const weights = await loadSection(checkpoint, section, kernels);
  const program = model.open(section, weights, kernels);
  if (section.kind === 'head') {
    const logits = await model.logits(program, weights, hidden, kernels);
    tensors.push(tensor('logits', 'F32', [logits.rows, logits.columns], logits.data));
    continue;
  }
  await runSection(program, weights, batch, kernels);
  if (section.kind !== 'block') continue;
  for (const [name, { weight }] of weights.linears)
    tensors.push(tensor(`${name}.weight`, 'F32', [weight.rows, weight.columns], weight.data));
}
await writeCheckpoint(out, tensors);
await checkpoint.close();
await kernels.close();
