import { type Checkpoint, CompressError, type Format } from '@compress/core';
import { decodeLayers } from './decode-layers.ts';
import { fp8Grid } from './float-grids.ts';
import { isWord } from './is-word.ts';
import { loadPlain, type PlainParts } from './plain/plain-layer.ts';
import { scaleTypeOf } from './read-parts.ts';

/** The first tells a layer in codes. */
const SUFFIXES = ['weight_scale_inv', 'weight', 'input_scale'] as const;

/**
 * Checkpoints in blocks of FP8, as DeepSeek publishes its models: `weight` F8_E4M3 [out, in], `weight_scale_inv` F32 [out / rows, in / columns], by which, whatever its
 * name says, values are multiplied. Read, not written. Its consumers round activations to FP8 too, which is not read: they are floats here.
 */
export const fp8Blocks: Pick<Format, 'name' | 'recognizes' | 'open'> = {
  name: 'fp8',
  recognizes: ({ quant_method }) => isWord(quant_method, 'fp8'),
  /** Throws `CompressError` `quantization-config`, `fp8-parts`. */
  async open(checkpoint, { weight_block_size: block, fmt = 'e4m3' }) {
    const fail = (message: string) => new CompressError('quantization-config', message, { file: checkpoint.location });
    if (fmt !== 'e4m3') throw fail(`The format of FP8 must be e4m3, not ${JSON.stringify(fmt)}.`);
    const [rows, columns] = Array.isArray(block) ? block : [];
    if (!isCount(rows) || !isCount(columns))
      throw fail(
        `weight_block_size must be two positive whole numbers, not ${JSON.stringify(block)}: only blocks are read.`,
      );
    const floats = await decodeLayers(checkpoint, {
      suffixes: SUFFIXES,
      match: (prefix) => matchBlocks(checkpoint, prefix, [rows, columns]),
      load: (parts) => loadPlain(checkpoint, parts, 'fp8-parts'),
    });
    // These models have never been anything else: they are inputs, as those in floats are.
    return { ...floats, coded: new Map() };
  },
};

/** The last rows and columns may fill no block. */
function matchBlocks(checkpoint: Checkpoint, prefix: string, [scaleRows, groupColumns]: [number, number]): PlainParts {
  const fail = (message: string, suffix: string) =>
    new CompressError('fp8-parts', message, { file: checkpoint.location, tensor: `${prefix}.${suffix}` });
  const [scale, codes] = SUFFIXES.map((suffix) => checkpoint.tensors.get(`${prefix}.${suffix}`));
  if (codes?.dtype !== 'F8_E4M3' || codes.shape.length !== 2)
    throw fail('The layer has scales, but no codes in F8_E4M3 of two dimensions.', 'weight');
  const { dtype, shape: size } = scale!;
  if (dtype !== 'F32' && dtype !== 'BF16' && dtype !== 'F16')
    throw fail(`Scales must be F32, BF16 or F16, not ${dtype}.`, 'weight_scale_inv');
  const [outFeatures, inFeatures] = codes.shape;
  const expected = [Math.ceil(outFeatures / scaleRows), Math.ceil(inFeatures / groupColumns)];
  if (String(size) !== String(expected))
    throw fail(
      `Scales are [${size}], but blocks of [${scaleRows},${groupColumns}] make [${expected}].`,
      'weight_scale_inv',
    );
  return {
    codes,
    scale: scale!,
    zeroPoint: undefined,
    grid: fp8Grid(scaleTypeOf(scale!)),
    groupSize: groupColumns,
    shape: {
      outFeatures,
      inFeatures,
      groups: expected[1],
      groupColumns,
      scaleRows,
      codes: 'F8_E4M3',
      scaleType: dtype,
      symmetric: true,
    },
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1;
}
