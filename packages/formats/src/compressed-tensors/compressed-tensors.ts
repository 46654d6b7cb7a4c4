import { type CodedCheckpoint, type Format, tensorBytes } from '@compress/core';
import { transformers, vllm } from '../consumers.ts';
import { isWord } from '../is-word.ts';
import { configuration } from './configuration.ts';
import { inferenceCarrier } from './inference-carrier.ts';
import { layoutOf } from './layout.ts';
import { layoutCodecs } from './layout-codecs.ts';
import { limit } from './limit.ts';
import { mixingLimit, mixingRemark } from './mixing.ts';
import { readConfiguration } from './read-configuration.ts';
import { readInferenceOf } from './read-inference.ts';
import { vllmRemark } from './vllm-remark.ts';

/**
 * Checkpoints of the compressed-tensors library, which transformers, vLLM and SGLang read. Grid and activations decide which of its formats a weight is in:
 *
 * - `pack-quantized`, integers with activations in floats: `weight_packed` I32 [out, in bits / 32] packed along in, `weight_scale` F16 or BF16
 *   [out, groups], `weight_shape` I64 [2], and of asymmetric grids `weight_zero_point` I32 [out bits / 32, groups] packed along out.
 * - `int-quantized`, integers with rounded activations: `weight` I8 [out, in], `weight_scale` [1], [out, 1] or [out, groups], `input_scale` F32 [1] where
 *   activations have a calibrated scale.
 * - `float-quantized`, E4M3: the same with `weight` F8_E4M3; `weight_scale` [out / rows, in / columns] of blocks.
 * - `nvfp4-pack-quantized`, E2M1: `weight_packed` U8 [out, in / 2], `weight_scale` F8_E4M3 [out, in / 16], `weight_global_scale` F32 [1], by which it is divided.
 * - `mxfp4-pack-quantized`, E2M1: `weight_packed` U8 [out, in / 2], `weight_scale` U8 [out, in / 32], exponents of 2 plus 127.
 *
 * weight[o][i] = weight_scale[o][g] (q[o][i] - zero[o][g]) with g = floor(i / group size).
 */
export const compressedTensors: Format = {
  name: 'compressed-tensors',
  summary:
    'For transformers and vLLM: packed integers of 2 to 8 bits (vLLM runs 4 and 8), int8 with int8 activations, FP8, NVFP4, MXFP4.',
  storesCodes: true,
  consumers: [transformers('compressed-tensors'), vllm],
  limit,
  remark: vllmRemark,
  mixes: { limit: mixingLimit, remark: mixingRemark },
  write: (linear, _dtype, kernels) => {
    const { grid } = linear.quantized;
    const layout = layoutOf(grid, linear.treatment?.activations);
    if (layout === undefined)
      throw new TypeError(`the plan lets ${grid.name} pass, which compressed-tensors cannot hold`);
    return layoutCodecs[layout].write(linear, kernels);
  },
  size(linear, grid, groupSize, _dtype, treatment = {}) {
    const layout = layoutOf(grid, treatment.activations) ?? 'pack-quantized';
    const tensors = Object.values(layoutCodecs[layout].tensors(linear, grid, groupSize, treatment));
    // Of a shape that `limit` objects to there is no size.
    return tensors.reduce((sum, { dtype, shape }) => sum + Math.ceil(Number(tensorBytes(dtype, shape))), 0);
  },
  configuration,
  carrier: inferenceCarrier,
  recognizes: ({ quant_method }) => isWord(quant_method, 'compressed-tensors'),
  /** Throws `CompressError` `quantization-config`, `compressed-tensors-parts`; so does reading. */
  async open(checkpoint, given) {
    const reading = readConfiguration(given, checkpoint.location);
    const { codes } = reading;
    const floats: CodedCheckpoint = codes
      ? await layoutCodecs[codes.layout].decode(checkpoint, codes.weights)
      : { ...checkpoint, coded: new Map() };
    return { ...withoutScales(floats), modules: readInferenceOf(checkpoint, floats, reading) };
  },
};

/** Calibrated scales are told as what modules do: no tensor of the model's. */
function withoutScales(checkpoint: CodedCheckpoint): CodedCheckpoint {
  const tensors = [...checkpoint.tensors].filter(([name]) => !/\.(?:input|k|v)_scale$/.test(name));
  return { ...checkpoint, tensors: new Map(tensors) };
}
