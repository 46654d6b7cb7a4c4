import { type Format, type Grid, type LinearSpec, type Objection, tensorBytes } from '@compress/core';
import { columnsInGroups } from '../columns-in-groups.ts';
import { transformers, vllm } from '../consumers.ts';
import { decodeLayers } from '../decode-layers.ts';
import { isWord } from '../is-word.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { readScales, readWords } from '../read-parts.ts';
import { takeCode } from './awq-lanes.ts';
import { AWQ_BITS, AWQ_LANES, awqTensors } from './awq-layout.ts';
import { matchParts, PART_SUFFIXES } from './awq-parts.ts';
import { readAwqConfiguration } from './read-awq-configuration.ts';
import { writeAwq } from './write-awq.ts';

/** Group sizes of the kernels of AutoAWQ and vLLM; one group a row is the other. */
const GROUP_SIZES: readonly number[] = [32, 64, 128];

/**
 * AWQ checkpoints of AutoAWQ's version `gemm`, which transformers, vLLM, SGLang and mlx-lm read: `qweight` I32 [in, out / 8] and `qzeros` I32 [groups,
 * out / 8], both packed along out in lanes of the order 0, 2, 4, 6, 1, 3, 5, 7, and `scales` F16 [groups, out]. weight[o][i] = scales[g][o]
 * (q[i][o] - zero[g][o]) with g = floor(i / group size). How the codes were found is another matter: any quantize step will do.
 */
export const awq: Format = {
  name: 'awq',
  summary: 'AWQ checkpoint (gemm) for vLLM, SGLang, transformers and mlx-lm: integer grids of 4 bits.',
  storesCodes: true,
  consumers: [transformers('gptqmodel'), vllm],
  limit,
  write: (linear, _dtype, kernels) => writeAwq(linear, kernels),
  size({ inFeatures, outFeatures }, _grid, groupSize) {
    const tensors = awqTensors({ inFeatures, outFeatures, groups: inFeatures / groupSize });
    return Object.values(tensors).reduce((sum, { dtype, shape }) => sum + (tensorBytes(dtype, shape) as number), 0);
  },
  configuration: ({ groupSize, untouched }) => ({
    quant_method: 'awq',
    bits: AWQ_BITS,
    group_size: groupSize,
    zero_point: true,
    version: 'gemm',
    modules_to_not_convert: untouched.length > 0 ? untouched : null,
  }),
  recognizes: ({ quant_method }) => isWord(quant_method, 'awq'),
  /** Throws `CompressError` `quantization-config`, `awq-parts`. */
  async open(checkpoint, configuration) {
    const reading = readAwqConfiguration(configuration, checkpoint.location);
    return decodeLayers(checkpoint, {
      suffixes: PART_SUFFIXES,
      match: (prefix) => matchParts(checkpoint, prefix, reading),
      async load({ qweight, qzeros, scales, shape, groupSize }) {
        const { inFeatures, outFeatures, groups } = shape;
        const words = await readWords(checkpoint, qweight);
        const zeroWords = await readWords(checkpoint, qzeros);
        const stored = await readScales(checkpoint, scales);
        const byRows = (value: (group: number, output: number) => number) =>
          Float32Array.from({ length: outFeatures * groups }, (_, at) => value(at % groups, Math.floor(at / groups)));
        return {
          scales: {
            groups,
            scales: byRows((g, o) => stored[g * outFeatures + o]),
            zeros: byRows((g, o) => takeCode(zeroWords, g, outFeatures, o)),
            group: columnsInGroups(inFeatures, groupSize),
          },
          unpackRow(row, codes) {
            for (let i = 0; i < inFeatures; i++) codes[i] = takeCode(words, i, outFeatures, row);
          },
        };
      },
    });
  },
};

function limit(linear: LinearSpec, grid: Grid, groupSize: number, reordered = false): Objection | undefined {
  const { inFeatures, outFeatures } = linear;
  const object = (message: string): Objection => ({ layer: linear.name, message });
  if (layerPrefix(linear) === undefined)
    return object(`The format awq names its tensors after a .weight, not after ${linear.weight}.`);
  if (linear.transposed)
    return object(
      'Consumers of awq look for Linear modules and would pass over this Conv1D: write it as gptq or dense.',
    );
  if (grid.codes.kind !== 'integer' || grid.bits !== AWQ_BITS || grid.codes.maxCode !== 2 ** AWQ_BITS - 1)
    return object(
      `The kernels of awq (AutoAWQ, vLLM) take integers of 4 bits, not ${grid.name}: write it as gptq or dense.`,
    );
  if (grid.scaleType !== 'f16') return object(`The format awq stores scales as f16, not ${grid.scaleType}.`);
  if (inFeatures % groupSize !== 0)
    return object(`${inFeatures} input columns cannot be cut into groups of ${groupSize}.`);
  if (groupSize !== inFeatures && !GROUP_SIZES.includes(groupSize))
    return object(
      `The kernels of awq (AutoAWQ, vLLM) take groups of 32, 64 or 128 columns or one a row, not ${groupSize}: choose one of these, or gptq.`,
    );
  if (outFeatures % AWQ_LANES !== 0)
    return object(
      `The format awq packs ${AWQ_LANES} outputs together, and ${outFeatures} are no multiple of that: write it as compressed-tensors or dense.`,
    );
  if (reordered)
    return object('The format awq has no index of groups, which "order: act" needs: use "order: act-static".');
  return undefined;
}
