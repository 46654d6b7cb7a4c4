import type { QuantizedLinear, TensorSource } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { checkGroups } from '../check-groups.ts';
import { checkZero } from '../check-zero.ts';
import { encodeScales } from '../encode-scales.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { layerTensors } from '../layer-tensors.ts';
import { putCode } from './awq-lanes.ts';
import { AWQ_BITS, AWQ_LANES, awqTensors } from './awq-layout.ts';

/** The three tensors of a Linear. Zero points are written in any case: those of a symmetric grid are all 8. */
export function writeAwq({ spec, quantized }: QuantizedLinear, kernels: Kernels): readonly TensorSource[] {
  const { rows, columns, codes, grid, scales } = quantized;
  const { groups, zeros } = scales;
  const prefix = layerPrefix(spec);
  const layout = awqTensors({ inFeatures: columns, outFeatures: rows, groups });
  const parts: Readonly<Record<string, () => Promise<Uint8Array>>> = {
    qweight: packWeight,
    qzeros: packZeros,
    scales: () => encodeScales(byGroups(scales.scales), 'f16', `${prefix}.scales`, kernels),
  };
  return layerTensors(prefix, layout, parts);

  async function packWeight(): Promise<Uint8Array> {
    checkGroups(quantized, 'AWQ', `${prefix}.qweight`);
    const words = new Uint32Array((columns * rows) / AWQ_LANES);
    for (let o = 0; o < rows; o++) for (let i = 0; i < columns; i++) putCode(words, i, rows, o, codes[o * columns + i]);
    return new Uint8Array(words.buffer);
  }

  async function packZeros(): Promise<Uint8Array> {
    const words = new Uint32Array((groups * rows) / AWQ_LANES);
    for (const [at, zero] of byGroups(zeros).entries()) {
      checkZero(zero, AWQ_BITS, grid.symmetric, `${prefix}.qzeros`);
      putCode(words, Math.floor(at / rows), rows, at % rows, zero);
    }
    return new Uint8Array(words.buffer);
  }

  /** `[out, groups]` to `[groups, out]`. */
  function byGroups(values: Float32Array): Float32Array {
    return values.map((_, at) => values[(at % rows) * groups + Math.floor(at / rows)]);
  }
}
