import { CompressError, type QuantizedLinear, type TensorSource, tensorBytes } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { packBits } from '../bit-stream.ts';
import { checkZero } from '../check-zero.ts';
import { columnsInGroups } from '../columns-in-groups.ts';
import { encodeScales } from '../encode-scales.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { onnxTensors, SUFFIXES, scaleDtype, zeroBytes } from './onnx-layout.ts';

/** The tensors of a Linear. */
export function writeOnnx({ spec, quantized }: QuantizedLinear, kernels: Kernels): readonly TensorSource[] {
  const { rows, columns, codes, grid, groupSize, scales } = quantized;
  const { bits, symmetric } = grid;
  const { groups, zeros, group } = scales;
  const dtype = scaleDtype(grid);
  if (dtype === undefined) throw new TypeError(`ONNX has no scales of ${grid.scaleType}`);
  const prefix = layerPrefix(spec);
  const layout = onnxTensors({ bits, outFeatures: rows, inFeatures: columns, groups, symmetric, dtype });
  const parts: Readonly<Record<string, () => Promise<Uint8Array>>> = {
    [SUFFIXES.quant]: packWeight,
    [SUFFIXES.scales]: encodeRowScales,
    [SUFFIXES.zeros]: async () => packZeros(),
  };
  return Object.entries(layout).map(([suffix, { dtype: stored, shape }]) => ({
    name: `${prefix}.${suffix}`,
    dtype: stored,
    shape,
    byteLength: tensorBytes(stored, shape) as number,
    bytes: parts[suffix],
  }));

  async function packWeight(): Promise<Uint8Array> {
    const ordinary = columnsInGroups(columns, groupSize);
    if (group.some((g, c) => g !== ordinary[c]))
      throw new CompressError(
        'not-representable',
        'The groups do not follow the columns, and MatMulNBits has no index of groups: use "order: act-static".',
        { tensor: `${prefix}.${SUFFIXES.quant}` },
      );
    const rowWords = (columns * bits) / 32;
    const words = new Uint32Array(rows * rowWords);
    for (let r = 0; r < rows; r++)
      packBits({ values: codes, offset: r * columns, stride: 1, count: columns }, bits, {
        words,
        offset: r * rowWords,
        stride: 1,
      });
    return new Uint8Array(words.buffer);
  }

  async function encodeRowScales(): Promise<Uint8Array> {
    // What a symmetric grid leaves out must be what a reader puts there.
    if (symmetric) for (const zero of zeros) checkZero(zero, bits, symmetric, `${prefix}.${SUFFIXES.scales}`);
    const type = grid.scaleType as 'f16' | 'bf16' | 'f32';
    return encodeScales(scales.scales, type, `${prefix}.${SUFFIXES.scales}`, kernels);
  }

  function packZeros(): Uint8Array {
    const rowBytes = zeroBytes(groups, bits);
    const packed = new Uint8Array(rows * rowBytes);
    for (const [at, zero] of zeros.entries()) {
      checkZero(zero, bits, symmetric, `${prefix}.${SUFFIXES.zeros}`);
      const bit = (at % groups) * bits;
      packed[Math.floor(at / groups) * rowBytes + (bit >> 3)] |= zero << (bit & 7);
    }
    return packed;
  }
}
