import { type Checkpoint, CompressError, type TensorInfo } from '@compress/core';
import { unpackBits } from '../bit-stream.ts';
import { columnsInGroups } from '../columns-in-groups.ts';
import type { Layer } from '../decode-layers.ts';
import { readScales, readWords } from '../read-parts.ts';
import { type PackShape, wordsFor } from './pack-layout.ts';
import type { PackParts } from './pack-parts.ts';

/** Reads a layer's parts. Throws `CompressError` `compressed-tensors-parts` if `weight_shape` is not that of the other parts. */
export async function loadLayer(checkpoint: Checkpoint, parts: PackParts): Promise<Layer> {
  const { shape, dimensions } = parts;
  const { outFeatures, inFeatures } = shape;
  const told = [...new BigInt64Array((await checkpoint.read(dimensions.name)).slice().buffer)];
  if (told[0] !== BigInt(outFeatures) || told[1] !== BigInt(inFeatures))
    throw new CompressError(
      'compressed-tensors-parts',
      `It says [${told}], but the codes and scales are those of [${outFeatures},${inFeatures}].`,
      { file: checkpoint.location, tensor: dimensions.name },
    );
  const { bits, groups } = shape;
  const words = await readWords(checkpoint, parts.packed);
  const scales = await readScales(checkpoint, parts.scale);
  const zeros = await readZeros(checkpoint, parts.zeroPoint, shape);
  const rowWords = wordsFor(inFeatures, bits);
  return {
    scales: { groups, scales, zeros, group: columnsInGroups(inFeatures, inFeatures / groups) },
    unpackRow: (row, codes) => unpackBits({ words, offset: row * rowWords, stride: 1 }, bits, codes),
  };
}

/** `[out, groups]` */
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
