import { type Format, type Grid, type LinearSpec, type Objection, tensorBytes } from '@compress/core';
import { decodeLayers } from '../decode-layers.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { AFFINE_GROUPS, affineDtype, MXFP4_GROUP, mlxTensors, modeOf } from './mlx-layout.ts';
import { mlxReader, readMlxSettings } from './read-mlx.ts';
import { writeMlx } from './write-mlx.ts';

/**
 * MLX checkpoints as mlx-lm writes them. `weight` U32 [out, in bits / 32], each row one bit stream; affine: `scales` and `biases` [out, groups], weight = scale q + bias, the
 * bias what code 0 means; mxfp4: `scales` U8 [out, in / 32], exponents of 2 plus 127. Token tables and heads stay in floats, which
 * mlx-lm tells by the tensors that are not there; the heads are named too.
 */
export const mlx: Format = {
  name: 'mlx',
  summary: 'MLX checkpoint for mlx-lm: integer grids of 2, 3, 4, 5, 6 or 8 bits in groups of 32, 64 or 128, and mxfp4.',
  storesCodes: true,
  configurationKey: 'quantization',
  limit,
  write(linear, _dtype, kernels) {
    const mode = modeOf(linear.quantized.grid);
    if (mode === undefined) throw new TypeError(`MLX does not hold ${linear.quantized.grid.name}`);
    return writeMlx(linear, mode, kernels);
  },
  size({ outFeatures, inFeatures }, grid, groupSize) {
    const groups = inFeatures / groupSize;
    const mode = modeOf(grid) ?? 'affine';
    const tensors = mlxTensors({ mode, bits: grid.bits, outFeatures, inFeatures, groups, dtype: affineDtype(grid) });
    return Object.values(tensors).reduce((sum, { dtype, shape }) => sum + (tensorBytes(dtype, shape) as number), 0);
  },
  configuration: ({ grid, groupSize, untouched }) => ({
    group_size: groupSize,
    bits: grid.bits,
    mode: modeOf(grid),
    ...Object.fromEntries(untouched.map((name) => [name, false])),
  }),
  recognizes: ({ quant_method, bits, group_size }) =>
    quant_method === undefined && typeof bits === 'number' && typeof group_size === 'number',
  /** Throws `CompressError` `quantization-config`, `mlx-parts`. */
  async open(checkpoint, configuration) {
    const whole = readMlxSettings(configuration, checkpoint.location);
    return decodeLayers(
      checkpoint,
      mlxReader(checkpoint, (layer) => {
        const own = configuration[layer];
        return typeof own === 'object' && own !== null
          ? readMlxSettings({ ...configuration, ...own }, checkpoint.location)
          : whole;
      }),
    );
  },
};

function limit(linear: LinearSpec, grid: Grid, groupSize: number, reordered = false): Objection | undefined {
  const { inFeatures } = linear;
  const object = (message: string): Objection => ({ layer: linear.name, message });
  if (layerPrefix(linear) === undefined)
    return object(`The format mlx names its tensors after a .weight, not after ${linear.weight}.`);
  if (linear.transposed)
    return object('mlx-lm has Linear modules in the place of this Conv1D: write it as gptq or dense.');
  if (reordered) return object('MLX has no index of groups, which "order: act" needs: use "order: act-static".');
  const mode = modeOf(grid);
  if (mode === undefined)
    return object(
      `The kernels of MLX take integers of 2, 3, 4, 5, 6 and 8 bits, and mxfp4, not ${grid.name}: choose one of these, or dense.`,
    );
  if (mode === 'affine' && !['f16', 'bf16', 'f32'].includes(grid.scaleType))
    return object(`The format mlx stores scales as f16, bf16 or f32, not ${grid.scaleType}.`);
  if (!grid.symmetric && grid.scaleType === 'f32')
    return object(
      'MLX adds zero point times scale, which is exact for scales of f16 and bf16 only: use scaleType f16.',
    );
  if (groupSize === inFeatures)
    return object('MLX has no word for one group a row: use a group size that is smaller than a row.');
  const groups = mode === 'affine' ? AFFINE_GROUPS : [MXFP4_GROUP];
  if (!groups.includes(groupSize) || inFeatures % groupSize !== 0)
    return object(
      `The kernels of MLX take groups of ${groups.join(', ')} columns in this mode, and ${inFeatures} input columns cannot be cut into groups of ${groupSize} so: choose another group size.`,
    );
  return undefined;
}
