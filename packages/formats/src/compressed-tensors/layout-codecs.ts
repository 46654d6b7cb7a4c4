import type {
  Checkpoint,
  CodedCheckpoint,
  Dtype,
  Grid,
  LinearSpec,
  QuantizedLinear,
  TensorSource,
  Treatment,
} from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { decodeLayers } from '../decode-layers.ts';
import { loadPlain } from '../plain/plain-layer.ts';
import { plainTensors } from '../plain/plain-layout.ts';
import { FP4_SUFFIXES, loadFp4, matchFp4 } from './fp4-layer.ts';
import { type Fp4Layout, fp4Tensors } from './fp4-layout.ts';
import type { Layout } from './layout.ts';
import { loadLayer } from './pack-layer.ts';
import { packTensors } from './pack-layout.ts';
import { matchParts, PART_SUFFIXES } from './pack-parts.ts';
import { matchPlain, PLAIN_SUFFIXES } from './plain-parts.ts';
import type { WaysOfWeights } from './read-configuration.ts';
import { floatScaleType, SCALE_DTYPES } from './scale-dtype.ts';
import { writeFp4 } from './write-fp4.ts';
import { writePacked } from './write-packed.ts';
import { writePlain } from './write-plain.ts';

/** One of the library's formats, there and back. */
export interface LayoutCodec {
  /** Dtypes and shapes of what stands for a weight. */
  tensors(
    linear: Pick<LinearSpec, 'inFeatures' | 'outFeatures'>,
    grid: Grid,
    groupSize: number,
    treatment: Treatment,
  ): Readonly<Record<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>>;
  write(linear: QuantizedLinear, kernels: Kernels): readonly TensorSource[];
  /** Throws `CompressError` `compressed-tensors-parts` and what `weights` throws; so does reading. */
  decode(checkpoint: Checkpoint, weights: WaysOfWeights): Promise<CodedCheckpoint>;
}

const packed: LayoutCodec = {
  tensors: (linear, grid, groupSize) => packTensors({ ...shapeOf(linear, grid, groupSize), bits: grid.bits }),
  write: writePacked,
  decode: (checkpoint, weights) =>
    decodeLayers(checkpoint, {
      suffixes: PART_SUFFIXES,
      match: (prefix) => matchParts(checkpoint, prefix, weights(prefix)),
      load: (parts) => loadLayer(checkpoint, parts),
    }),
};

const plain = (codes: 'I8' | 'F8_E4M3'): LayoutCodec => ({
  tensors: (linear, grid, groupSize, { scaleRows = 1 }) =>
    plainTensors({ ...shapeOf(linear, grid, groupSize), codes, scaleRows }),
  write: writePlain,
  decode: (checkpoint, weights) =>
    decodeLayers(checkpoint, {
      suffixes: PLAIN_SUFFIXES,
      match: (prefix) => matchPlain(checkpoint, prefix, weights(prefix)),
      load: (parts) => loadPlain(checkpoint, parts, 'compressed-tensors-parts'),
    }),
});

const fp4 = (layout: Fp4Layout): LayoutCodec => ({
  tensors: (linear) => fp4Tensors(layout, linear),
  write: (linear) => writeFp4(linear, layout),
  decode: (checkpoint) =>
    decodeLayers(checkpoint, {
      suffixes: FP4_SUFFIXES,
      match: (prefix) => matchFp4(checkpoint, prefix, layout),
      load: (parts) => loadFp4(checkpoint, parts),
    }),
});

/** All formats of weights that are written and read. */
export const layoutCodecs: Readonly<Record<Layout, LayoutCodec>> = {
  'pack-quantized': packed,
  'int-quantized': plain('I8'),
  'float-quantized': plain('F8_E4M3'),
  'nvfp4-pack-quantized': fp4('nvfp4-pack-quantized'),
  'mxfp4-pack-quantized': fp4('mxfp4-pack-quantized'),
};

function shapeOf(
  { inFeatures, outFeatures }: Pick<LinearSpec, 'inFeatures' | 'outFeatures'>,
  grid: Grid,
  groupSize: number,
) {
  const scaleType = SCALE_DTYPES[floatScaleType(grid) ?? 'f32'];
  return { inFeatures, outFeatures, groups: inFeatures / groupSize, symmetric: grid.symmetric, scaleType };
}
