import { type Format, type Grid, type LinearSpec, type Objection, tensorBytes } from '@compress/core';
import { transformers, vllm } from '../consumers.ts';
import { isWord } from '../is-word.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { gptqConfiguration } from './gptq-configuration.ts';
import { GPTQ_BITS, gptqTensors } from './gptq-layout.ts';
import { openGptq } from './open-gptq.ts';
import { writeGptq } from './write-gptq.ts';

/**
 * GPTQ checkpoints as GPTQModel and AutoGPTQ write them, which transformers, vLLM and SGLang read: `qweight` I32 [in bits / 32, out] packed
 * along in, `qzeros` I32 [groups, out bits / 32] packed along out, `scales` F16 [groups, out] and `g_idx` I32 [in], which is always
 * written because llama.cpp's converter asks for it. weight[o][i] = scales[g][o] (q[i][o] - zero[g][o]) with g = g_idx[i].
 */
export const gptq: Format = {
  name: 'gptq',
  summary: 'GPTQ checkpoint for transformers, vLLM and GPTQModel: integer grids of 2, 3, 4 or 8 bits.',
  storesCodes: true,
  consumers: [transformers('gptqmodel', 'optimum'), vllm],
  configurationFile: 'quantize_config.json',
  limit,
  write: (linear, _dtype, kernels) => writeGptq(linear, kernels),
  size({ inFeatures, outFeatures }, grid, groupSize) {
    const groups = inFeatures / groupSize;
    const tensors = gptqTensors({ bits: grid.bits, inFeatures, outFeatures, groups });
    return Object.values(tensors).reduce((sum, { dtype, shape }) => sum + (tensorBytes(dtype, shape) as number), 0);
  },
  configuration: gptqConfiguration,
  recognizes: ({ quant_method }) => isWord(quant_method, 'gptq'),
  open: openGptq,
};

function limit(linear: LinearSpec, grid: Grid, groupSize: number): Objection | undefined {
  const { inFeatures, outFeatures } = linear;
  const object = (message: string): Objection => ({ layer: linear.name, message });
  if (layerPrefix(linear) === undefined)
    return object(`The format gptq names its tensors after a .weight, not after ${linear.weight}.`);
  if (grid.codes.kind !== 'integer' || grid.codes.maxCode !== 2 ** grid.bits - 1) {
    return object(`The format gptq holds integer grids, not ${grid.name}: write it as dense.`);
  }
  if (!GPTQ_BITS.includes(grid.bits))
    return object(`The format gptq holds 2, 3, 4 or 8 bits, not ${grid.bits}: write it as dense.`);
  if (grid.scaleType !== 'f16') return object(`The format gptq stores scales as f16, not ${grid.scaleType}.`);
  if (inFeatures % groupSize !== 0) {
    return object(`${inFeatures} input columns cannot be cut into groups of ${groupSize}.`);
  }
  for (const [side, features] of [
    ['input', inFeatures],
    ['output', outFeatures],
  ] as const) {
    if ((features * grid.bits) % 32 !== 0) {
      const lanes = grid.bits === 3 ? 32 : 32 / grid.bits;
      return object(
        `The format gptq packs ${lanes} codes together, and ${features} ${side} features are no multiple of that: write it as dense.`,
      );
    }
  }
  return undefined;
}
