import { type Checkpoint, CompressError, integerGrid } from '@compress/core';
import { fp8Grid } from '../float-grids.ts';
import type { PlainParts } from '../plain/plain-layer.ts';
import { type PlainShape, plainTensors } from '../plain/plain-layout.ts';
import { scaleTypeOf } from '../read-parts.ts';
import type { WeightReading } from './read-arguments.ts';

/** The scale tells a layer in codes from one in floats: both have a `weight`. */
export const PLAIN_SUFFIXES = ['weight_scale', 'weight', 'weight_zero_point'] as const;

/** Finds the parts of the layer `prefix` and proves their shapes. Throws `CompressError` `compressed-tensors-parts`. */
export function matchPlain(checkpoint: Checkpoint, prefix: string, reading: WeightReading): PlainParts {
  const fail = (message: string, suffix: string) =>
    new CompressError('compressed-tensors-parts', message, {
      file: checkpoint.location,
      tensor: `${prefix}.${suffix}`,
    });
  const [scale, codes, zeroPoint] = PLAIN_SUFFIXES.map((suffix) => checkpoint.tensors.get(`${prefix}.${suffix}`));
  if (codes?.shape.length !== 2) throw fail('The layer has scales, but no codes of two dimensions.', 'weight');
  if (scale!.dtype !== 'F16' && scale!.dtype !== 'BF16' && scale!.dtype !== 'F32')
    throw fail(`Scales must be F16, BF16 or F32, not ${scale!.dtype}.`, 'weight_scale');
  if (reading.symmetric !== (zeroPoint === undefined))
    throw fail(
      reading.symmetric
        ? 'The grid is symmetric, but has zero points.'
        : 'The grid is asymmetric, but lacks zero points.',
      'weight_zero_point',
    );
  const [outFeatures, inFeatures] = codes.shape;
  const groupColumns = reading.groupSize === -1 ? inFeatures : reading.groupSize;
  const groups = Math.ceil(inFeatures / groupColumns);
  const { scaleRows, symmetric } = reading;
  const shape: PlainShape = {
    outFeatures,
    inFeatures,
    groups,
    groupColumns,
    scaleRows,
    codes: reading.type === 'float' ? 'F8_E4M3' : 'I8',
    scaleType: scale!.dtype,
    symmetric,
  };
  const found = { weight: codes, weight_scale: scale!, weight_zero_point: zeroPoint };
  for (const [suffix, expected] of Object.entries(plainTensors(shape))) {
    const part = found[suffix as keyof typeof found]!;
    // Older versions wrote the one scale of a weight as a scalar.
    const scalar = scaleRows === 'all' && suffix !== 'weight' && part.shape.length === 0;
    if (part.dtype !== expected.dtype || (!scalar && String(part.shape) !== String(expected.shape)))
      throw fail(`It is ${part.dtype} [${part.shape}], but must be ${expected.dtype} [${expected.shape}].`, suffix);
  }
  const scaleType = scaleTypeOf(scale!);
  const grid =
    reading.type === 'float' ? fp8Grid(scaleType) : integerGrid({ bits: reading.bits, symmetric, scaleType });
  return { codes, scale: scale!, zeroPoint, shape, grid, groupSize: groupColumns };
}
