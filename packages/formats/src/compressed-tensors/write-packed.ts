import type { QuantizedLinear, TensorSource } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { packBits } from '../bit-stream.ts';
import { checkGroups } from '../check-groups.ts';
import { checkZero } from '../check-zero.ts';
import { encodeScales } from '../encode-scales.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { layerTensors } from '../layer-tensors.ts';
import { packRows } from '../pack-rows.ts';
import { packTensors, wordsFor } from './pack-layout.ts';

/**
 * The tensors of a Linear. The format speaks of signed codes that are stored plus 2^(bits - 1), zero points too: these stored numbers are the
 * grid's unsigned codes and zero points.
 */
export function writePacked({ spec, quantized }: QuantizedLinear, kernels: Kernels): readonly TensorSource[] {
  const { rows, columns, codes, grid, scales } = quantized;
  const { bits, symmetric } = grid;
  const { groups, zeros } = scales;
  const type = grid.scaleType === 'bf16' ? 'bf16' : 'f16';
  const scaleType = type === 'bf16' ? 'BF16' : 'F16';
  const prefix = layerPrefix(spec);
  const layout = packTensors({ bits, inFeatures: columns, outFeatures: rows, groups, symmetric, scaleType });
  const parts: Readonly<Record<string, () => Promise<Uint8Array>>> = {
    weight_packed: packWeight,
    weight_scale: () => encodeScales(scales.scales, type, `${prefix}.weight_scale`, kernels),
    weight_shape: async () => new Uint8Array(BigInt64Array.of(BigInt(rows), BigInt(columns)).buffer),
    weight_zero_point: packZeros,
  };
  return layerTensors(prefix, layout, parts);

  async function packWeight(): Promise<Uint8Array> {
    checkGroups(quantized, 'compressed-tensors', `${prefix}.weight_packed`);
    for (const zero of zeros) checkZero(zero, bits, symmetric, `${prefix}.weight_zero_point`);
    return packRows(codes, rows, columns, bits);
  }

  async function packZeros(): Promise<Uint8Array> {
    const words = new Uint32Array(wordsFor(rows, bits) * groups);
    const values = Uint8Array.from(zeros);
    for (let g = 0; g < groups; g++)
      packBits({ values, offset: g, stride: groups, count: rows }, bits, { words, offset: g, stride: groups });
    return new Uint8Array(words.buffer);
  }
}
