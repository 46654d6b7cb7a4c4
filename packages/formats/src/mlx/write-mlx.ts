import { CompressError, encodeFloats, type QuantizedLinear, type TensorSource } from '@compress/core';
import type { Kernels } from '@compress/kernels';
import { checkGroups } from '../check-groups.ts';
import { checkZero } from '../check-zero.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { layerTensors } from '../layer-tensors.ts';
import { packRows } from '../pack-rows.ts';
import { affineDtype, E2M1_BY_CODE, E2M1_LEVELS, type MlxMode, mlxTensors } from './mlx-layout.ts';

/** Exponent 0 of an E8M0 scale. */
const E8M0_BIAS = 127;

/** The tensors of a Linear. */
export function writeMlx(
  { spec, quantized }: QuantizedLinear,
  mode: MlxMode,
  kernels: Kernels,
): readonly TensorSource[] {
  const { rows, columns, codes, grid, scales } = quantized;
  const { bits } = grid;
  const { groups } = scales;
  const prefix = layerPrefix(spec);
  const dtype = affineDtype(grid);
  const layout = mlxTensors({ mode, bits, outFeatures: rows, inFeatures: columns, groups, dtype });
  const parts: Readonly<Record<string, () => Promise<Uint8Array>>> = {
    weight: packWeight,
    scales: mode === 'affine' ? () => exactly(scales.scales, 'scales') : async () => exponents(),
    biases: async () => exactly(offsets(), 'biases'),
  };
  return layerTensors(prefix, layout, parts);

  async function packWeight(): Promise<Uint8Array> {
    checkGroups(quantized, 'MLX', `${prefix}.weight`);
    const stored = Uint8Array.from(E2M1_LEVELS, (level) => E2M1_BY_CODE.indexOf(level));
    const values = mode === 'affine' ? codes : codes.map((code) => stored[code]);
    return packRows(values, rows, columns, bits);
  }

  function exponents(): Uint8Array {
    return Uint8Array.from(scales.scales, (scale) => {
      const exponent = Math.log2(scale);
      if (Number.isInteger(exponent) && Math.abs(exponent) <= E8M0_BIAS) return exponent + E8M0_BIAS;
      throw new CompressError('not-representable', `The scale ${scale} is no power of two that E8M0 has.`, {
        tensor: `${prefix}.scales`,
      });
    });
  }

  /** What code 0 means. */
  function offsets(): Float32Array {
    return scales.scales.map((scale, i) => {
      checkZero(scales.zeros[i], bits, grid.symmetric, `${prefix}.biases`);
      return -scales.zeros[i] * scale;
    });
  }

  async function exactly(values: Float32Array, suffix: string): Promise<Uint8Array> {
    const bytes = await encodeFloats(values, dtype, `${prefix}.${suffix}`, kernels);
    if (dtype === 'F32') return bytes;
    const decoded = new Float32Array(values.length);
    await kernels.decode({ bytes, type: dtype === 'F16' ? 'f16' : 'bf16', output: decoded });
    const at = decoded.findIndex((value, i) => value !== values[i]);
    if (at < 0) return bytes;
    throw new CompressError(
      'not-representable',
      `${values[at]} is no ${dtype} number: use a grid with scaleType ${grid.scaleType}.`,
      { tensor: `${prefix}.${suffix}` },
    );
  }
}
