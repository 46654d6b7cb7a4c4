import { type Checkpoint, CompressError, integerGrid, type TensorInfo } from '@compress/core';
import type { LayerParts } from '../decode-layers.ts';
import { scaleTypeOf } from '../read-parts.ts';
import { AWQ_BITS, AWQ_LANES, type AwqShape, awqTensors } from './awq-layout.ts';
import type { AwqReading } from './read-awq-configuration.ts';

export const PART_SUFFIXES = ['qweight', 'qzeros', 'scales'] as const;

/** One layer's tensors, proven to fit together. */
export interface AwqParts extends LayerParts {
  readonly qweight: TensorInfo;
  readonly qzeros: TensorInfo;
  readonly scales: TensorInfo;
  readonly shape: AwqShape;
}

/** Finds the parts of the layer `prefix` and proves their shapes. Throws `CompressError` `awq-parts`. */
export function matchParts(checkpoint: Checkpoint, prefix: string, { groupSize }: AwqReading): AwqParts {
  const fail = (message: string, suffix: string) =>
    new CompressError('awq-parts', message, { file: checkpoint.location, tensor: `${prefix}.${suffix}` });
  const [qweight, qzeros, scales] = PART_SUFFIXES.map((suffix) => checkpoint.tensors.get(`${prefix}.${suffix}`));
  if (checkpoint.tensors.has(`${prefix}.weight`))
    throw fail('The layer is there twice, in codes and in floats: delete one of the two.', 'weight');
  if (checkpoint.tensors.has(`${prefix}.g_idx`))
    throw fail('The layer has an index of groups, which AWQ does not have: quant_method must be gptq.', 'g_idx');
  if (qweight?.shape.length !== 2) throw fail('The codes must have two dimensions.', 'qweight');
  if (qzeros === undefined || scales === undefined)
    throw fail('The layer has codes but lacks scales or zero points.', 'qweight');
  const [inFeatures, words] = qweight.shape;
  const groups = groupSize === -1 ? 1 : inFeatures / groupSize;
  const shape = { inFeatures, outFeatures: words * AWQ_LANES, groups };
  const expected = awqTensors(shape);
  const found = { qweight, qzeros, scales };
  for (const suffix of PART_SUFFIXES) {
    const part = found[suffix];
    const { dtype, shape: dimensions } = expected[suffix];
    // Newer writers store scales as BF16 or F32.
    const typed = suffix === 'scales' ? ['F16', 'BF16', 'F32'].includes(part.dtype) : part.dtype === dtype;
    if (!typed || String(part.shape) !== String(dimensions))
      throw fail(`It is ${part.dtype} [${part.shape}], but must be ${dtype} [${dimensions}].`, suffix);
  }
  const grid = integerGrid({ bits: AWQ_BITS, symmetric: false, scaleType: scaleTypeOf(scales) });
  return { ...found, shape, grid, groupSize: inFeatures / groups };
}
