import type { FourBitType } from './scheme.ts';

/** Scales that share an absmax where they are quantized themselves, and the codes that they can have. */
export const NESTED_BLOCK = 256;
const NESTED_CODES = 256;

/** Dimensions of a 4-bit Linear. Weights lie one after the other, row by row, and so do their blocks. */
export interface FourBitShape {
  readonly type: FourBitType;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly blockSize: number;
  /** Double quantization. */
  readonly nested: boolean;
  /** Bytes of the text of its state. */
  readonly stateBytes: number;
}

/** The tensors that stand for a weight: suffix, dtype and shape. */
export function fourBitTensors({
  type,
  inFeatures,
  outFeatures,
  blockSize,
  nested,
  stateBytes,
}: FourBitShape): Readonly<Record<string, { readonly dtype: 'U8' | 'F32'; readonly shape: readonly number[] }>> {
  const count = inFeatures * outFeatures;
  const blocks = Math.ceil(count / blockSize);
  return {
    weight: { dtype: 'U8', shape: [Math.ceil(count / 2), 1] },
    'weight.absmax': { dtype: nested ? 'U8' : 'F32', shape: [blocks] },
    'weight.quant_map': { dtype: 'F32', shape: [16] },
    ...(nested && {
      'weight.nested_absmax': { dtype: 'F32', shape: [Math.ceil(blocks / NESTED_BLOCK)] },
      'weight.nested_quant_map': { dtype: 'F32', shape: [NESTED_CODES] },
    }),
    [stateSuffix(type)]: { dtype: 'U8', shape: [stateBytes] },
  };
}

/** Every suffix that a layer may have; each layer has the first. */
export const FOUR_BIT_SUFFIXES = [
  ...['weight.absmax', 'weight', 'weight.quant_map', 'weight.nested_absmax', 'weight.nested_quant_map'],
  ...[stateSuffix('nf4'), stateSuffix('fp4')],
];

export function stateSuffix(type: FourBitType): string {
  return `weight.quant_state.bitsandbytes__${type}`;
}
