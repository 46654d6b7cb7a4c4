import { type Checkpoint, CompressError, type TensorInfo } from '@compress/core';
import { unpackBits } from '../bit-stream.ts';
import { readScales, readWords } from '../read-parts.ts';
import { type PackShape, wordsFor } from './pack-layout.ts';
import type { PackParts } from './pack-parts.ts';

/** One layer in memory: codes packed as they were, the rest decoded. */
export interface PackLayer {
  readonly shape: PackShape;
  /** `[out, words of a row]` */
  readonly words: Uint32Array;
  /** `[out, groups]` each. */
  readonly scales: Float32Array;
  readonly zeros: Float32Array;
}

/** Reads a layer's parts. Throws `CompressError` `compressed-tensors-parts` if `weight_shape` is not that of the other parts. */
export async function loadLayer(checkpoint: Checkpoint, parts: PackParts): Promise<PackLayer> {
  const { shape, dimensions } = parts;
  const { outFeatures, inFeatures } = shape;
  const told = [...new BigInt64Array((await checkpoint.read(dimensions.name)).slice().buffer)];
  if (told[0] !== BigInt(outFeatures) || told[1] !== BigInt(inFeatures))
    throw new CompressError(
      'compressed-tensors-parts',
      `It says [${told}], but the codes and scales are those of [${outFeatures},${inFeatures}].`,
      { file: checkpoint.location, tensor: dimensions.name },
    );
  return {
    shape,
    words: await readWords(checkpoint, parts.packed),
    scales: await readScales(checkpoint, parts.scale),
    zeros: await readZeros(checkpoint, parts.zeroPoint, shape),
  };
}

/** Rows [from, to) of the weight: `[to - from, in]`, scale * (code - zero) in f32. */
export function decodeRows({ shape, words, scales, zeros }: PackLayer, from: number, to: number): Float32Array {
  const { bits, inFeatures, groups } = shape;
  const width = inFeatures / groups;
  const rowWords = wordsFor(inFeatures, bits);
  const rows = new Float32Array((to - from) * inFeatures);
  const codes = new Uint8Array(inFeatures);
  for (let row = from; row < to; row++) {
    unpackBits({ words, offset: row * rowWords, stride: 1 }, bits, codes);
    const base = (row - from) * inFeatures;
    for (let g = 0; g < groups; g++) {
      const scale = scales[row * groups + g];
      const zero = zeros[row * groups + g];
      for (let c = g * width; c < (g + 1) * width; c++) rows[base + c] = (codes[c] - zero) * scale;
    }
  }
  return rows;
}

async function readZeros(
  checkpoint: Checkpoint,
  info: TensorInfo | undefined,
  { bits, outFeatures, groups }: PackShape,
): Promise<Float32Array> {
  const zeros = new Float32Array(outFeatures * groups).fill(2 ** (bits - 1));
  if (info === undefined) return zeros;
  const words = await readWords(checkpoint, info);
  const lanes = new Uint8Array(outFeatures);
  for (let g = 0; g < groups; g++) {
    unpackBits({ words, offset: g, stride: groups }, bits, lanes);
    for (let o = 0; o < outFeatures; o++) zeros[o * groups + g] = lanes[o];
  }
  return zeros;
}
