import { CompressError, DTYPE_BITS, type Format, turn } from '@compress/core';

/** The largest magnitude that f16 rounds to a finite number. */
const F16_LIMIT = 65520;

/**
 * The dequantized weights in the checkpoint's own dtype: runs everywhere and is no smaller than the input. Values are rounded once, from
 * the grid's f32 to the dtype. There is nothing to configure, so readers see an ordinary model.
 */
export const dense: Format = {
  name: 'dense',
  summary: 'The dequantized weights in the dtype of the input: every tool reads it, and nothing gets smaller.',
  storesCodes: false,
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
          if (dtype === 'F32') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
          if (dtype === 'F16') checkRange(data, spec.weight);
          const output = kernels.uint8(2 * data.length);
          await kernels.encode({ values: data, type: dtype === 'F16' ? 'f16' : 'bf16', output });
          return output;
        },
      },
    ];
  },
  size: ({ outFeatures, inFeatures }, _grid, _groupSize, dtype) => (outFeatures * inFeatures * DTYPE_BITS[dtype]) / 8,
  configuration: () => undefined,
  recognizes: () => false,
  open: (checkpoint) => checkpoint,
};

function checkRange(values: Float32Array, tensor: string): void {
  const value = values.find((x) => Math.abs(x) >= F16_LIMIT);
  if (value === undefined) return;
  throw new CompressError(
    'not-representable',
    `The weight ${value} is beyond the range of F16: store the model as BF16.`,
    {
      tensor,
    },
  );
}
