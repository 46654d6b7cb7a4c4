import { CompressError, FLOAT8_E4M3, type QuantizedLinear, type TensorSource } from '@compress/core';
import { checkGroups } from '../check-groups.ts';
import { E2M1 } from '../float-grids.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { layerTensors } from '../layer-tensors.ts';
import { e4m3Byte } from './e4m3-bytes.ts';
import { type Fp4Layout, fp4Tensors } from './fp4-layout.ts';

/** Of the exponent of an E8M0 scale. */
const BIAS = 127;

/**
 * The tensors of a Linear in E2M1. Scales of `nvfp4-pack-quantized` are E4M3 numbers that readers divide by `weight_global_scale`, the reciprocal of the grid's
 * scale of the whole weight; those of `mxfp4-pack-quantized` are exponents.
 */
export function writeFp4({ spec, quantized }: QuantizedLinear, layout: Fp4Layout): readonly TensorSource[] {
  const { rows, columns, codes, grid, scales } = quantized;
  const prefix = layerPrefix(spec);
  const unit = scales.nested?.kind === 'tensor' ? scales.nested.scale : 1;
  const parts: Readonly<Record<string, () => Promise<Uint8Array>>> = {
    weight_packed: async () => packed(),
    weight_scale: async () =>
      Uint8Array.from(scales.scales, layout === 'mxfp4-pack-quantized' ? exponent : nearestE4m3),
    weight_global_scale: async () => new Uint8Array(Float32Array.of(1 / unit).buffer),
  };
  const tensors = fp4Tensors(layout, { outFeatures: rows, inFeatures: columns });
  return layerTensors(prefix, tensors, parts);

  function packed(): Uint8Array {
    checkGroups(quantized, 'compressed-tensors', `${prefix}.weight_packed`);
    const levels = grid.codes.kind === 'table' ? grid.codes.levels : new Float32Array();
    const nibbles = Uint8Array.from(levels, (level) => (level < 0 ? 8 : 0) | E2M1.indexOf(Math.abs(level)));
    return Uint8Array.from(
      { length: codes.length / 2 },
      (_, i) => nibbles[codes[2 * i]] | (nibbles[codes[2 * i + 1]] << 4),
    );
  }

  function exponent(scale: number): number {
    const power = Math.log2(scale);
    if (Number.isInteger(power) && power >= -BIAS && power <= BIAS) return power + BIAS;
    throw notRepresentable(scale, 'no power of two from 2^-127 to 2^127');
  }

  /** A scale was made of one times the unit, which f32 rounded. */
  function nearestE4m3(scale: number): number {
    const ratio = scale / unit;
    const step = 2 ** (Math.max(Math.floor(Math.log2(ratio)), -6) - 3);
    const byte = e4m3Byte(Math.round(ratio / step) * step);
    if (byte !== undefined && Math.abs(FLOAT8_E4M3[byte] - ratio) <= 2 ** -20 * ratio) return byte;
    throw notRepresentable(scale, `no E4M3 multiple of ${unit}`);
  }

  function notRepresentable(scale: number, what: string): CompressError {
    return new CompressError('not-representable', `The scale ${scale} is ${what}.`, {
      tensor: `${prefix}.weight_scale`,
    });
  }
}
