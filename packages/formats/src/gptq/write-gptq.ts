import { type Dtype, type QuantizedLinear, type TensorSource, tensorBytes } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { packBits } from '../bit-stream.ts';
import { checkZero } from '../check-zero.ts';
import { encodeScales } from '../encode-scales.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { gptqTensors } from './gptq-layout.ts';
import { zeroOffset } from './zero-offset.ts';

/** The four tensors of a Linear. */
export function writeGptq({ spec, quantized }: QuantizedLinear, kernels: Kernels): readonly TensorSource[] {
  const { rows, columns, codes, grid, scales } = quantized;
  const { groups } = scales;
  const prefix = layerPrefix(spec);
  const layout = gptqTensors({ bits: grid.bits, inFeatures: columns, outFeatures: rows, groups });
  return [
    source('qweight', packWeight),
    source('qzeros', packZeros),
    source('scales', packScales),
    source('g_idx', async () => bytesOf(scales.group.slice())),
  ];

  function source(suffix: keyof typeof layout, bytes: () => Promise<Uint8Array>): TensorSource {
    const { dtype, shape } = layout[suffix];
    return { name: `${prefix}.${suffix}`, dtype, shape, byteLength: byteLength(dtype, shape), bytes };
  }

  async function packWeight(): Promise<Uint8Array> {
    const words = new Uint32Array((columns * grid.bits * rows) / 32);
    for (let r = 0; r < rows; r++) {
      packBits({ values: codes, offset: r * columns, stride: 1, count: columns }, grid.bits, {
        words,
        offset: r,
        stride: rows,
      });
    }
    return bytesOf(words);
  }

  async function packZeros(): Promise<Uint8Array> {
    const offset = zeroOffset(grid.symmetric);
    const lanes = new Uint8Array(scales.zeros.length);
    for (let i = 0; i < lanes.length; i++) {
      checkZero(scales.zeros[i], grid.bits, grid.symmetric, `${prefix}.qzeros`);
      lanes[i] = scales.zeros[i] - offset;
    }
    const rowWords = (rows * grid.bits) / 32;
    const words = new Uint32Array(groups * rowWords);
    for (let g = 0; g < groups; g++) {
      packBits({ values: lanes, offset: g, stride: groups, count: rows }, grid.bits, {
        words,
        offset: g * rowWords,
        stride: 1,
      });
    }
    return bytesOf(words);
  }

  async function packScales(): Promise<Uint8Array> {
    const values = new Float32Array(scales.scales.length);
    for (let r = 0; r < rows; r++)
      for (let g = 0; g < groups; g++) values[g * rows + r] = scales.scales[r * groups + g];
    return encodeScales(values, 'f16', `${prefix}.scales`, kernels);
  }
}

function byteLength(dtype: Dtype, shape: readonly number[]): number {
  return tensorBytes(dtype, shape) as number;
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
