import type { Kernels } from '@compress/kernels';
import { createReferenceKernels } from '@compress/kernels';
import type { Checkpoint, TensorInfo } from '../../checkpoint/checkpoint.ts';
import { checkRange } from '../../checkpoint/find-tensor.ts';
import type { CodedWeight, Format } from '../../format/format.ts';
import { integerGrid } from '../../grid/integer-grid.ts';
import { dequantizeWeight } from '../../grid/quantize-weight.ts';
import { turn } from '../load-section.ts';

/** Codes a byte each and scales in F32, under the names of the weight. Symmetric int4 with one group a row. */
export const toyCodes: Format = {
  name: 'toy-codes',
  summary: 'Bytes of codes, for tests.',
  storesCodes: true,
  configurationFile: 'toy_config.json',
  limit: (linear, _grid, groupSize) =>
    groupSize === linear.inFeatures ? undefined : { layer: linear.name, message: 'Toy codes have one group a row.' },
  write: ({ spec, quantized: { codes, scales, rows, columns } }) => [
    source(`${spec.weight}.codes`, 'U8', [rows, columns], codes),
    source(`${spec.weight}.scales`, 'F32', [rows], new Uint8Array(scales.scales.slice().buffer)),
  ],
  size: ({ outFeatures, inFeatures }) => outFeatures * inFeatures + 4 * outFeatures,
  configuration: ({ groupSize, quantized }) => ({ quant_method: 'toy', group_size: groupSize, quantized }),
  recognizes: ({ quant_method }) => quant_method === 'toy',
  async open(checkpoint) {
    const tensors = new Map<string, TensorInfo>();
    const coded = new Map<string, CodedWeight>();
    for (const [name, info] of checkpoint.tensors) {
      const weight = name.replace(/\.codes$/, '');
      if (checkpoint.tensors.has(name.replace(/\.scales$/, '.codes')) && name.endsWith('.scales')) continue;
      if (name === weight) tensors.set(name, info);
      else {
        const byteLength = 4 * info.byteLength;
        const codedBytes = info.byteLength + 4 * info.shape[0];
        tensors.set(weight, { name: weight, dtype: 'F32', shape: info.shape, byteLength, decoded: true, codedBytes });
        coded.set(weight, codedWeight(checkpoint, weight, info.shape));
      }
    }
    return {
      ...checkpoint,
      tensors,
      coded,
      async read(name, range) {
        if (!checkpoint.tensors.has(`${name}.codes`)) return checkpoint.read(name, range);
        const codes = await checkpoint.read(`${name}.codes`);
        const scales = new Float32Array((await checkpoint.read(`${name}.scales`)).slice().buffer);
        const columns = codes.length / scales.length;
        const values = Float32Array.from(codes, (code, i) => Math.fround((code - 8) * scales[Math.floor(i / columns)]));
        const { start, end } = checkRange(range, values.byteLength, checkpoint.location, name);
        return new Uint8Array(values.buffer).slice(start, end);
      },
    };
  },
};

/** The codes' values in F16. */
export const toyDense: Format = {
  name: 'toy-dense',
  summary: 'Dequantized, for tests.',
  storesCodes: false,
  limit: () => undefined,
  write: ({ spec, quantized }) => [
    {
      ...source(
        spec.weight,
        'F16',
        spec.transposed ? [quantized.columns, quantized.rows] : [quantized.rows, quantized.columns],
        new Uint8Array(2 * quantized.codes.length),
      ),
      async bytes() {
        const kernels: Kernels = createReferenceKernels();
        const values = await dequantizeWeight(quantized, kernels);
        const output = new Uint8Array(2 * values.data.length);
        const stored = spec.transposed ? turn(values, kernels) : values;
        await kernels.encode({ values: stored.data, type: 'f16', output });
        return output;
      },
    },
  ],
  size: ({ outFeatures, inFeatures }) => 2 * outFeatures * inFeatures,
  configuration: () => undefined,
  recognizes: () => false,
  open: async (checkpoint) => ({ ...checkpoint, coded: new Map() }),
};

function codedWeight(checkpoint: Checkpoint, weight: string, [rows, columns]: readonly number[]): CodedWeight {
  const grid = integerGrid({ bits: 4, scaleType: 'f32' });
  return {
    grid,
    groupSize: columns,
    async read() {
      const codes = await checkpoint.read(`${weight}.codes`);
      const scales = new Float32Array((await checkpoint.read(`${weight}.scales`)).slice().buffer);
      const zeros = new Float32Array(rows).fill(8);
      const group = new Uint32Array(columns);
      return { rows, columns, grid, groupSize: columns, codes, scales: { groups: 1, scales, zeros, group } };
    },
  };
}

function source(name: string, dtype: 'U8' | 'F32' | 'F16', shape: number[], data: Uint8Array) {
  return { name, dtype, shape, byteLength: data.byteLength, bytes: async () => data };
}
