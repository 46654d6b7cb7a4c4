import { type Checkpoint, CompressError, integerGrid, type TensorInfo } from '@compress/core';
import type { LayerParts } from '../decode-layers.ts';
import { scaleTypeOf } from '../read-parts.ts';
import { GPTQ_BITS, type GptqShape, gptqTensors } from './gptq-layout.ts';
import type { GptqReading } from './read-gptq-configuration.ts';

export const PART_SUFFIXES = ['qweight', 'qzeros', 'scales', 'g_idx'] as const;

/** One layer's tensors, proven to fit together. */
export interface GptqParts extends LayerParts {
  readonly qweight: TensorInfo;
  readonly qzeros: TensorInfo;
  readonly scales: TensorInfo;
  /** Absent in some older checkpoints: groups follow the columns. */
  readonly groupIndex: TensorInfo | undefined;
  readonly shape: GptqShape;
}

/** Finds the parts of the layer `prefix` and proves their shapes. Throws `CompressError` `gptq-parts`. */
export function matchParts(checkpoint: Checkpoint, prefix: string, reading: GptqReading): GptqParts {
  const fail = (message: string, suffix: string) =>
    new CompressError('gptq-parts', message, { file: checkpoint.location, tensor: `${prefix}.${suffix}` });
  const [qweight, qzeros, scales, groupIndex] = PART_SUFFIXES.map((suffix) =>
    checkpoint.tensors.get(`${prefix}.${suffix}`),
  );
  if (checkpoint.tensors.has(`${prefix}.weight`)) {
    throw fail('The layer is there twice, in codes and in floats: delete one of the two.', 'weight');
  }
  if (qweight?.shape.length !== 2) throw fail('The codes must have two dimensions.', 'qweight');
  if (qzeros === undefined || scales === undefined)
    throw fail('The layer has codes but lacks scales or zero points.', 'qweight');
  if (groupIndex === undefined && (reading.dynamic || reading.reordered)) {
    throw fail('The layer needs a g_idx, because the configuration has desc_act or dynamic.', 'g_idx');
  }

  const [wordRows, outFeatures] = qweight.shape;
  const inFeatures = groupIndex?.shape[0] ?? (wordRows * 32) / reading.bits;
  const bits = (wordRows * 32) / inFeatures;
  if (!GPTQ_BITS.includes(bits) || (bits !== reading.bits && !reading.dynamic)) {
    throw fail(`The shapes are those of ${bits} bits, the configuration says ${reading.bits}.`, 'qweight');
  }
  const groups = scales.shape[0];
  const configured = reading.groupSize === -1 ? 1 : inFeatures / reading.groupSize;
  if (groups !== configured && !reading.dynamic) {
    throw fail(
      `There are ${groups} groups, the configuration's group_size ${reading.groupSize} makes ${configured}.`,
      'scales',
    );
  }

  const shape = { bits, inFeatures, outFeatures, groups };
  const expected = gptqTensors(shape);
  const parts = { qweight, qzeros, scales, g_idx: groupIndex };
  for (const suffix of PART_SUFFIXES) {
    const part = parts[suffix];
    if (part === undefined) continue;
    const { dtype, shape: dimensions } = expected[suffix];
    // Newer writers store scales as BF16 or F32.
    const typed = suffix === 'scales' ? ['F16', 'BF16', 'F32'].includes(part.dtype) : part.dtype === dtype;
    if (!typed || part.shape.length !== dimensions.length || part.shape.some((size, i) => size !== dimensions[i])) {
      throw fail(`It is ${part.dtype} [${part.shape}], but must be ${dtype} [${dimensions}].`, suffix);
    }
  }
  // Rules may make a layer asymmetric, which its zero points hold in any case.
  const symmetric = reading.symmetric && !reading.dynamic;
  const grid = integerGrid({ bits, symmetric, scaleType: scaleTypeOf(scales) });
  const { reordered } = reading;
  return { qweight, qzeros, scales, groupIndex, shape, grid, groupSize: inFeatures / groups, reordered };
}
