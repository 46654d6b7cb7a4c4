import { type Format, type Grid, type LinearSpec, type Objection, tensorBytes } from '@compress/core';
import { transformers, vllm } from '../consumers.ts';
import { decodeLayers } from '../decode-layers.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { packConfiguration } from './pack-configuration.ts';
import { loadLayer } from './pack-layer.ts';
import { packTensors } from './pack-layout.ts';
import { matchParts, PART_SUFFIXES } from './pack-parts.ts';
import { readPackConfiguration } from './read-pack-configuration.ts';
import { writePacked } from './write-packed.ts';

/**
 * Checkpoints of the compressed-tensors library in its format `pack-quantized`, which transformers, vLLM and SGLang read: `weight_packed` I32
 * [out, in bits / 32] packed along in, `weight_scale` F16 or BF16 [out, groups], `weight_shape` I64 [2], and of asymmetric grids
 * `weight_zero_point` I32 [out bits / 32, groups] packed along out. weight[o][i] = weight_scale[o][g] (q[o][i] - zero[o][g]) with g =
 * floor(i / group size).
 */
export const compressedTensors: Format = {
  name: 'compressed-tensors',
  summary: 'Packed integers for transformers and vLLM: grids of 2 to 8 bits, of which vLLM runs 4 and 8.',
  storesCodes: true,
  consumers: [transformers('compressed-tensors'), vllm],
  limit,
  write: (linear, _dtype, kernels) => writePacked(linear, kernels),
  size({ inFeatures, outFeatures }, { bits, symmetric, scaleType }, groupSize) {
    const tensors = packTensors({
      bits,
      inFeatures,
      outFeatures,
      groups: inFeatures / groupSize,
      symmetric,
      scaleType: scaleType === 'bf16' ? 'BF16' : 'F16',
    });
    return Object.values(tensors).reduce((sum, { dtype, shape }) => sum + (tensorBytes(dtype, shape) as number), 0);
  },
  configuration: packConfiguration,
  recognizes: (configuration) => String(configuration.quant_method).toLowerCase() === 'compressed-tensors',
  /** Throws `CompressError` `quantization-config`, `compressed-tensors-parts`; so does reading. */
  async open(checkpoint, configuration) {
    const reading = readPackConfiguration(configuration, checkpoint.location);
    return decodeLayers(checkpoint, {
      suffixes: PART_SUFFIXES,
      match: (prefix) => matchParts(checkpoint, prefix, reading),
      load: (parts) => loadLayer(checkpoint, parts),
    });
  },
};

function limit(linear: LinearSpec, grid: Grid, groupSize: number, reordered = false): Objection | undefined {
  const { inFeatures } = linear;
  const object = (message: string): Objection => ({ layer: linear.name, message });
  if (layerPrefix(linear) === undefined)
    return object(`The format compressed-tensors names its tensors after a .weight, not after ${linear.weight}.`);
  if (linear.transposed)
    return object(
      'Consumers of compressed-tensors look for Linear modules and would pass over this Conv1D: write it as gptq or dense.',
    );
  if (grid.codes.kind !== 'integer' || grid.codes.maxCode !== 2 ** grid.bits - 1)
    return object(`The format compressed-tensors holds integer grids, not ${grid.name}: write it as dense.`);
  if (grid.bits < 2 || grid.bits > 8)
    return object(`The format compressed-tensors holds 2 to 8 bits (vLLM runs 4 and 8), not ${grid.bits}.`);
  if (grid.scaleType !== 'f16' && grid.scaleType !== 'bf16')
    return object(`The format compressed-tensors stores scales as f16 or bf16, not ${grid.scaleType}.`);
  if (inFeatures % groupSize !== 0)
    return object(`${inFeatures} input columns cannot be cut into groups of ${groupSize}.`);
  if (groupSize === inFeatures && (inFeatures * grid.bits) % 32 !== 0)
    return object(
      `${inFeatures} codes of ${grid.bits} bits do not fill words of 32 bits, and with one group a row readers cannot tell how many there are: use a smaller group size.`,
    );
  if (reordered)
    return object(
      'Consumers of compressed-tensors have no index of groups any more, which "order: act" needs: use "order: act-static".',
    );
  return undefined;
}
