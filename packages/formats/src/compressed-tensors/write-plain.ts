import { CompressError, type QuantizedLinear, type TensorSource, tensorBytes } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { checkGroups } from '../check-groups.ts';
import { checkZero } from '../check-zero.ts';
import { encodeScales } from '../encode-scales.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { layerTensors } from '../layer-tensors.ts';
import { plainTensors, scaleOffset } from '../plain/plain-layout.ts';
import { e4m3Byte } from './e4m3-bytes.ts';
import { floatScaleType, SCALE_DTYPES } from './scale-dtype.ts';

/**
 * The tensors of a Linear a byte a code: signed integers, which are the grid's codes less 2^(bits - 1), as its zero points are; or the bytes of the E4M3 numbers that are
 * the grid's levels.
 */
export function writePlain({ spec, quantized, treatment }: QuantizedLinear, kernels: Kernels): readonly TensorSource[] {
  const { rows, columns, codes, grid, scales } = quantized;
  const { bits, symmetric } = grid;
  const { groups } = scales;
  const scaleRows = treatment?.scaleRows ?? 1;
  const shape = { outFeatures: rows, inFeatures: columns, groups, scaleRows };
  const middle = 2 ** (bits - 1);
  const prefix = layerPrefix(spec);
  const scaleType = floatScaleType(grid) ?? 'f32';
  const layout = plainTensors({
    ...shape,
    codes: grid.codes.kind === 'table' ? 'F8_E4M3' : 'I8',
    scaleType: SCALE_DTYPES[scaleType],
    symmetric,
  });
  const parts: Readonly<Record<string, () => Promise<Uint8Array>>> = {
    async weight() {
      checkGroups(quantized, 'compressed-tensors', `${prefix}.weight`);
      if (grid.codes.kind === 'table') {
        const bytes = Uint8Array.from(grid.codes.levels, (level) => e4m3Byte(level)!);
        return codes.map((code) => bytes[code]);
      }
      for (const zero of scales.zeros) checkZero(zero, bits, symmetric, `${prefix}.weight_zero_point`);
      return signed(codes);
    },
    weight_scale: () => encodeScales(shared(scales.scales), scaleType, `${prefix}.weight_scale`, kernels),
    weight_zero_point: async () => signed(shared(scales.zeros)),
  };
  return layerTensors(prefix, layout, parts);

  function signed(values: Uint8Array | Float32Array): Uint8Array {
    return new Uint8Array(Int8Array.from(values, (value) => value - middle).buffer);
  }

  /** `[rows, groups]` to the shape of the scales: one value for all rows that share it. */
  function shared(values: Float32Array): Float32Array {
    const result = new Float32Array(tensorBytes('U8', layout.weight_scale.shape) as number);
    const placeOf = (i: number) => scaleOffset(Math.floor(i / groups), shape) + (i % groups);
    for (const [i, value] of values.entries()) result[placeOf(i)] = value;
    const other = values.findIndex((value, i) => value !== result[placeOf(i)]);
    if (other < 0) return result;
    const message = `Row ${Math.floor(other / groups)} has a scale or zero point of its own, but is to share it.`;
    throw new CompressError('not-representable', message, { tensor: `${prefix}.weight_scale` });
  }
}
