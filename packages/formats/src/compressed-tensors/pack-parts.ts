import { type Checkpoint, CompressError, integerGrid, type TensorInfo } from '@compress/core';
import type { LayerParts } from '../decode-layers.ts';
import { scaleTypeOf } from '../read-parts.ts';
import { type PackShape, packTensors } from './pack-layout.ts';
import type { WeightReading } from './read-arguments.ts';

export const PART_SUFFIXES = ['weight_packed', 'weight_scale', 'weight_shape', 'weight_zero_point'] as const;

/** One layer's tensors, proven to fit together. */
export interface PackParts extends LayerParts {
  readonly packed: TensorInfo;
  readonly scale: TensorInfo;
  readonly dimensions: TensorInfo;
  /** Absent where symmetric. */
  readonly zeroPoint: TensorInfo | undefined;
  readonly shape: PackShape;
}

/**
 * Finds the parts of the layer `prefix` and proves their shapes. Columns are those of the groups; of one group a row, as many as fill the words, which
 * `weight_shape` must confirm on reading. Throws `CompressError` `compressed-tensors-parts`.
 */
export function matchParts(checkpoint: Checkpoint, prefix: string, reading: WeightReading): PackParts {
  const fail = (message: string, suffix: string) =>
    new CompressError('compressed-tensors-parts', message, {
      file: checkpoint.location,
      tensor: `${prefix}.${suffix}`,
    });
  const { bits, symmetric, groupSize } = reading;
  const [packed, scale, dimensions, zeroPoint] = PART_SUFFIXES.map((suffix) =>
    checkpoint.tensors.get(`${prefix}.${suffix}`),
  );
  if (checkpoint.tensors.has(`${prefix}.weight`))
    throw fail('The layer is there twice, in codes and in floats: delete one of the two.', 'weight');
  if (checkpoint.tensors.has(`${prefix}.weight_g_idx`))
    throw fail('The layer has an index of groups, which is not read.', 'weight_g_idx');
  if (packed?.shape.length !== 2) throw fail('The codes must have two dimensions.', 'weight_packed');
  if (scale === undefined || dimensions === undefined)
    throw fail('The layer has codes but lacks weight_scale or weight_shape.', 'weight_packed');
  if (symmetric !== (zeroPoint === undefined))
    throw fail(
      symmetric ? 'The grid is symmetric, but has zero points.' : 'The grid is asymmetric, but lacks zero points.',
      'weight_zero_point',
    );
  if (scale.dtype !== 'F16' && scale.dtype !== 'BF16' && scale.dtype !== 'F32')
    throw fail(`Scales must be F16, BF16 or F32, not ${scale.dtype}.`, 'weight_scale');

  const [outFeatures, rowWords] = packed.shape;
  const groups = scale.shape[1] ?? 0;
  const inFeatures = groupSize === -1 ? Math.floor((rowWords * 32) / bits) : groups * groupSize;
  const shape = {
    bits,
    inFeatures,
    outFeatures,
    groups: groupSize === -1 ? 1 : groups,
    symmetric,
    scaleType: scale.dtype,
  };
  const found = { weight_packed: packed, weight_scale: scale, weight_shape: dimensions, weight_zero_point: zeroPoint };
  for (const [suffix, expected] of Object.entries(packTensors(shape))) {
    const part = found[suffix as keyof typeof found]!;
    if (part.dtype !== expected.dtype || String(part.shape) !== String(expected.shape))
      throw fail(`It is ${part.dtype} [${part.shape}], but must be ${expected.dtype} [${expected.shape}].`, suffix);
  }
  const grid = integerGrid({ bits, symmetric, scaleType: scaleTypeOf(scale) });
  return { packed, scale, dimensions, zeroPoint, shape, grid, groupSize: inFeatures / shape.groups };
}
