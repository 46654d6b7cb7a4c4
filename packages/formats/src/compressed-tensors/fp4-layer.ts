import { type Checkpoint, CompressError, FLOAT8_E4M3, type TensorInfo } from '@compress/core';
import { columnsInGroups } from '../columns-in-groups.ts';
import type { Layer, LayerParts } from '../decode-layers.ts';
import { codesOf, E2M1, MXFP4, NVFP4 } from '../float-grids.ts';
import { FP4_GROUP, type Fp4Layout, fp4Tensors } from './fp4-layout.ts';

export const FP4_SUFFIXES = ['weight_packed', 'weight_scale', 'weight_global_scale'] as const;

/** One layer's tensors, proven to fit together. */
export interface Fp4Parts extends LayerParts {
  readonly layout: Fp4Layout;
  readonly prefix: string;
}

const CODES = Uint8Array.from(codesOf(MXFP4, [...E2M1, ...E2M1.map((x) => -x)]), (code) => code!);

/** Finds the parts of the layer `prefix` and proves their shapes. Throws `CompressError` `compressed-tensors-parts`. */
export function matchFp4(checkpoint: Checkpoint, prefix: string, layout: Fp4Layout): Fp4Parts {
  const at = (suffix: string): TensorInfo | undefined => checkpoint.tensors.get(`${prefix}.${suffix}`);
  const fail = (message: string, suffix: string) => partsError(checkpoint, message, `${prefix}.${suffix}`);
  const packed = at('weight_packed');
  const groupSize = FP4_GROUP[layout];
  if (at('weight') !== undefined)
    throw fail('The layer is there twice, in codes and in floats: delete one of the two.', 'weight');
  if (packed?.shape.length !== 2) throw fail('The codes must have two dimensions.', 'weight_packed');
  const shape = { outFeatures: packed.shape[0], inFeatures: 2 * packed.shape[1] };
  if (shape.inFeatures % groupSize !== 0)
    throw fail(`${shape.inFeatures} columns are no whole groups of ${groupSize}.`, 'weight_packed');
  for (const [suffix, { dtype, shape: size }] of Object.entries(fp4Tensors(layout, shape))) {
    const part = at(suffix);
    if (part === undefined) throw fail(`The layer has codes but lacks ${suffix}.`, suffix);
    if (part.dtype !== dtype || String(part.shape) !== String(size))
      throw fail(`It is ${part.dtype} [${part.shape}], but must be ${dtype} [${size}].`, suffix);
  }
  return { layout, prefix, shape, groupSize, grid: layout === 'nvfp4-pack-quantized' ? NVFP4 : MXFP4 };
}

/** Scales are as the library computes them: the stored number divided by `weight_global_scale`, in f32. */
export async function loadFp4(checkpoint: Checkpoint, { layout, prefix, shape, groupSize }: Fp4Parts): Promise<Layer> {
  const { inFeatures } = shape;
  const stored = await checkpoint.read(`${prefix}.weight_scale`);
  const bytes = await checkpoint.read(`${prefix}.weight_packed`);
  const common = {
    groups: inFeatures / groupSize,
    group: columnsInGroups(inFeatures, groupSize),
    zeros: new Float32Array(stored.length),
  };
  const unpackRow: Layer['unpackRow'] = (row, codes) => {
    for (let c = 0; c < inFeatures; c++) {
      const byte = bytes[(row * inFeatures + c) >> 1];
      codes[c] = CODES[c % 2 === 0 ? byte & 15 : byte >> 4];
    }
  };
  if (layout === 'mxfp4-pack-quantized')
    return { unpackRow, scales: { ...common, scales: Float32Array.from(stored, (exponent) => 2 ** (exponent - 127)) } };
  const tensor = `${prefix}.weight_global_scale`;
  const [global] = new Float32Array((await checkpoint.read(tensor)).slice().buffer);
  if (!(global > 0 && global < Number.POSITIVE_INFINITY))
    throw partsError(checkpoint, `It must be a positive number, not ${global}.`, tensor);
  const scales = Float32Array.from(stored, (byte) => FLOAT8_E4M3[byte] / global);
  return { unpackRow, scales: { ...common, scales, nested: { kind: 'tensor', scale: Math.fround(1 / global) } } };
}

function partsError({ location: file }: Checkpoint, message: string, tensor: string): CompressError {
  return new CompressError('compressed-tensors-parts', message, { file, tensor });
}
