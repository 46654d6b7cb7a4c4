import {
  DYNAMIC_MAP,
  type FloatDtype,
  type NestedScales,
  type QuantizedLinear,
  type TensorSource,
  tensorBytes,
} from '@compress/core';
import { checkGroups } from '../check-groups.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { fourBitTensors, NESTED_BLOCK } from './four-bit-layout.ts';
import { writeQuantState } from './quant-state.ts';
import { codesOfLevels, type FourBitType, QUANT_MAPS } from './scheme.ts';

type NestedBlocks = Extract<NestedScales, { kind: 'blocks' }>;

/** The tensors of a Linear in 4 bits, whose groups are blocks: each lies within a row. */
export function writeFourBit(
  { spec, quantized }: QuantizedLinear,
  type: FourBitType,
  dtype: FloatDtype,
): readonly TensorSource[] {
  const { rows, columns, codes, groupSize, scales } = quantized;
  const prefix = layerPrefix(spec);
  const nested = scales.nested?.kind === 'blocks' ? byBlocks(scales.nested, scales.scales.length) : undefined;
  const text = writeQuantState({ type, blockSize: groupSize, dtype, shape: [rows, columns], offset: nested?.offset });
  const shape = { type, inFeatures: columns, outFeatures: rows, blockSize: groupSize, stateBytes: text.length };
  const layout = fourBitTensors({ ...shape, nested: nested !== undefined });
  const parts: Readonly<Record<string, () => Uint8Array>> = {
    weight: packWeight,
    'weight.absmax': () => nested?.codes ?? bytesOf(scales.scales),
    'weight.quant_map': () => bytesOf(QUANT_MAPS[type]),
    'weight.nested_absmax': () => bytesOf(nested!.absmax),
    'weight.nested_quant_map': () => bytesOf(nested!.map ?? DYNAMIC_MAP),
  };
  return Object.entries(layout).map(([suffix, { dtype: stored, shape: dimensions }]) => ({
    name: `${prefix}.${suffix}`,
    dtype: stored,
    shape: dimensions,
    byteLength: tensorBytes(stored, dimensions) as number,
    bytes: async () => parts[suffix]?.() ?? text,
  }));

  /** The first of two codes lies in the high nibble. */
  function packWeight(): Uint8Array {
    checkGroups(quantized, 'bitsandbytes', `${prefix}.weight`);
    const stored = codesOfLevels(type);
    const bytes = new Uint8Array(Math.ceil(codes.length / 2));
    // An odd count is filled up with the code of 0.
    const last = QUANT_MAPS[type].indexOf(0);
    for (let k = 0; k < bytes.length; k++) {
      const second = 2 * k + 1 < codes.length ? stored[codes[2 * k + 1]] : last;
      bytes[k] = (stored[codes[2 * k]] << 4) | second;
    }
    return bytes;
  }
}

/** One code for each of `blocks` scales: blocks that span rows were cut into parts of rows, and each part repeats the scale, its code and its absmax. */
function byBlocks(nested: NestedBlocks, blocks: number): NestedBlocks {
  const parts = Math.round(blocks / nested.codes.length);
  return {
    ...nested,
    codes: Uint8Array.from({ length: blocks }, (_, i) => nested.codes[Math.floor(i / parts)]),
    absmax: Float32Array.from(
      { length: Math.ceil(blocks / NESTED_BLOCK) },
      (_, i) => nested.absmax[Math.floor(i / parts)],
    ),
  };
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
