import type { QuantizedLinear, TensorSource } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { checkGroups } from '../check-groups.ts';
import { checkZero } from '../check-zero.ts';
import { encodeScales } from '../encode-scales.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { layerTensors } from '../layer-tensors.ts';
import { packRows } from '../pack-rows.ts';
import { onnxTensors, SUFFIXES, scaleDtype, zeroBytes } from './onnx-layout.ts';

/** The tensors of a Linear. */
export function writeOnnx({ spec, quantized }: QuantizedLinear, kernels: Kernels): readonly TensorSource[] {
  const { rows, columns, codes, grid, scales } = quantized;
  const { bits, symmetric } = grid;
  const { groups, zeros } = scales;
  const dtype = scaleDtype(grid);
  if (dtype === undefined) throw new TypeError(`ONNX has no scales of ${grid.scaleType}`);
  const prefix = layerPrefix(spec);
  const layout = onnxTensors({ bits, outFeatures: rows, inFeatures: columns, groups, symmetric, dtype });
  const parts: Readonly<Record<string, () => Promise<Uint8Array>>> = {
    [SUFFIXES.quant]: packWeight,
    [SUFFIXES.scales]: encodeRowScales,
    [SUFFIXES.zeros]: async () => packZeros(),
  };
  return layerTensors(prefix, layout, parts);

  async function packWeight(): Promise<Uint8Array> {
    checkGroups(quantized, 'MatMulNBits', `${prefix}.${SUFFIXES.quant}`);
    return packRows(codes, rows, columns, bits);
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
