import { type Format, type Grid, type LinearSpec, type Objection, tensorBytes } from '@compress/core';
import { transformersJs } from '../consumers.ts';
import { decodeLayers } from '../decode-layers.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { BITS, onnxTensors, scaleDtype } from './onnx-layout.ts';
import { onnxPackaging } from './onnx-packaging.ts';
import { isBlock, onnxReader, readOnnxBits } from './read-onnx.ts';
import { writeOnnx } from './write-onnx.ts';

/**
 * ONNX for onnxruntime and transformers.js: `onnx/model_q4.onnx`, a graph of the whole decoder, and its tensors beside it. A Linear in codes is a node MatMulNBits of
 * onnxruntime: codes U8 [out, groups, group size bits / 8], each row one bit stream; scales [out groups]; zero points U8 [out ceil(groups bits / 8)], packed likewise, none
 * where the grid is symmetric. weight = scale (q - zero).
 */
export const onnx: Format = {
  name: 'onnx',
  summary:
    'ONNX graph with MatMulNBits for onnxruntime and transformers.js: integer grids of 2, 4 or 8 bits; Llama family.',
  storesCodes: true,
  consumers: [transformersJs],
  packaging: onnxPackaging,
  limit,
  write: (linear, _dtype, kernels) => writeOnnx(linear, kernels),
  size({ outFeatures, inFeatures }, grid, groupSize) {
    const groups = inFeatures / groupSize;
    const { bits, symmetric } = grid;
    const dtype = scaleDtype(grid) ?? 'F32';
    const tensors = onnxTensors({ bits, outFeatures, inFeatures, groups, symmetric, dtype });
    return Object.values(tensors).reduce((sum, { dtype, shape }) => sum + (tensorBytes(dtype, shape) as number), 0);
  },
  configuration: ({ grid, groupSize, untouched }) => ({
    quant_method: 'onnx',
    bits: grid.bits,
    group_size: groupSize,
    sym: grid.symmetric,
    modules_to_not_convert: untouched,
  }),
  recognizes: ({ quant_method }) => quant_method === 'onnx',
  /** Rotations are part of the function, and the graph has none; roundings of activations and caches are left out, and remain in `inference.json`. */
  carrier: {
    limit: ({ inputs }) =>
      [...inputs].flatMap(([layer, { rotation }]) =>
        rotation === undefined
          ? []
          : [
              {
                layer,
                message: 'The graph of the format onnx does not rotate activations, which R4 needs: leave R4 out.',
              },
            ],
      ),
    carries: () => false,
    tensors: () => [],
    configuration: () => undefined,
  },
  /** Throws `CompressError` `quantization-config`, `onnx-parts`. */
  async open(checkpoint, configuration) {
    return decodeLayers(checkpoint, onnxReader(checkpoint, readOnnxBits(configuration, checkpoint.location)));
  },
};

function limit(linear: LinearSpec, grid: Grid, groupSize: number, reordered = false): Objection | undefined {
  const { inFeatures } = linear;
  const object = (message: string): Objection => ({ layer: linear.name, message });
  if (layerPrefix(linear) === undefined)
    return object(`The format onnx names its tensors after a .weight, not after ${linear.weight}.`);
  if (linear.transposed) return object('The format onnx has no graph with this Conv1D: write it as gptq or dense.');
  if (reordered)
    return object('MatMulNBits has no index of groups, which "order: act" needs: use "order: act-static".');
  const { codes, bits, nested } = grid;
  if (codes.kind !== 'integer' || !BITS.includes(bits) || codes.maxCode !== 2 ** bits - 1)
    return object(
      `MatMulNBits takes integers of ${BITS.join(', ')} bits, not ${grid.name}: choose one of these, or dense.`,
    );
  if (nested !== undefined || scaleDtype(grid) === undefined)
    return object(`The format onnx stores scales as f16, bf16 or f32, not ${grid.scaleType}.`);
  if (!isBlock(groupSize) || inFeatures % groupSize !== 0)
    return object(
      `MatMulNBits takes groups of a power of two of at least 16 columns, and ${inFeatures} input columns cannot be cut into groups of ${groupSize} so: choose another group size.`,
    );
  return undefined;
}
