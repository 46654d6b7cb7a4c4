import { DTYPE_BITS, encodeFloats, type Format, turn } from '@compress/core';
import { transformers, vllm } from './consumers.ts';

/**
 * The dequantized weights in the checkpoint's own dtype: runs everywhere and is no smaller than the input. Values are rounded once, from
 * the grid's f32 to the dtype. There is nothing to configure, so readers see an ordinary model.
 */
export const dense: Format = {
  name: 'dense',
  summary: 'The dequantized weights in the dtype of the input: every tool reads it, and nothing gets smaller.',
  storesCodes: false,
  consumers: [transformers(), vllm],
  limit: () => undefined,
  write({ spec, quantized }, dtype, kernels) {
    const { rows, columns, grid, codes, scales } = quantized;
    return [
      {
        name: spec.weight,
        dtype,
        shape: spec.transposed ? [columns, rows] : [rows, columns],
        byteLength: (rows * columns * DTYPE_BITS[dtype]) / 8,
        async bytes() {
          const weight = kernels.matrix(rows, columns);
          await kernels.dequantize({ codes, grid: grid.codes, scales, output: weight });
          const { data } = spec.transposed ? turn(weight, kernels) : weight;
          return encodeFloats(data, dtype, spec.weight, kernels);
        },
      },
    ];
  },
  size: ({ outFeatures, inFeatures }, _grid, _groupSize, dtype) => (outFeatures * inFeatures * DTYPE_BITS[dtype]) / 8,
  configuration: () => undefined,
  recognizes: () => false,
  open: async (checkpoint) => ({ ...checkpoint, coded: new Map() }),
};
