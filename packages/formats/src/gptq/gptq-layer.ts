import { type Checkpoint, CompressError } from '@compress/core';
import { unpackBits } from '../bit-stream.ts';
import { columnsInGroups } from '../columns-in-groups.ts';
import type { Layer } from '../decode-layers.ts';
import { readScales, readWords } from '../read-parts.ts';
import type { GptqParts } from './gptq-parts.ts';
import type { GptqReading } from './read-gptq-configuration.ts';

/** Reads a layer's parts. Throws `CompressError` `gptq-zeros`, `gptq-groups`. */
export async function loadLayer(checkpoint: Checkpoint, parts: GptqParts, reading: GptqReading): Promise<Layer> {
  const { bits, outFeatures, groups } = parts.shape;
  const words = await readWords(checkpoint, parts.qweight);
  const scales = await readScales(checkpoint, parts.scales);
  const zeros = unpackZeros(await readWords(checkpoint, parts.qzeros), parts, reading, checkpoint.location);
  const byRows = (values: Float32Array) =>
    values.map((_, at) => values[(at % groups) * outFeatures + Math.floor(at / groups)]);
  const group = await readGroups(checkpoint, parts, reading);
  return {
    scales: { groups, scales: byRows(scales), zeros: byRows(zeros), group },
    unpackRow: (row, codes) => unpackBits({ words, offset: row, stride: outFeatures }, bits, codes),
  };
}

/** `[groups, out]` */
function unpackZeros(words: Uint32Array, parts: GptqParts, reading: GptqReading, location: string): Float32Array {
  const { bits, outFeatures, groups } = parts.shape;
  const fail = (message: string) =>
    new CompressError('gptq-zeros', message, { file: location, tensor: parts.qzeros.name });
  const lanes = new Uint8Array(outFeatures);
  const zeros = new Float32Array(groups * outFeatures);
  const rowWords = (outFeatures * bits) / 32;
  for (let g = 0; g < groups; g++) {
    unpackBits({ words, offset: g * rowWords, stride: 1 }, bits, lanes);
    for (let o = 0; o < outFeatures; o++) {
      const zero = lanes[o] + reading.zeroOffset;
      if (zero === 2 ** bits) {
        throw fail(
          'A stored zero point is all ones, which readers of version 1 understand differently: export it as gptq_v2.',
        );
      }
      if (reading.symmetric && !reading.dynamic && zero !== 2 ** (bits - 1)) {
        throw fail(
          `A zero point is ${zero}, but that of a symmetric grid is ${2 ** (bits - 1)}: checkpoint_format (gptq or gptq_v2) or sym is wrong.`,
        );
      }
      zeros[g * outFeatures + o] = zero;
    }
  }
  return zeros;
}

async function readGroups(checkpoint: Checkpoint, parts: GptqParts, reading: GptqReading): Promise<Uint32Array> {
  const { inFeatures, groups } = parts.shape;
  const ordinary = columnsInGroups(inFeatures, inFeatures / groups);
  if (parts.groupIndex === undefined) return ordinary;
  const { name } = parts.groupIndex;
  const fail = (message: string) =>
    new CompressError('gptq-groups', message, { file: checkpoint.location, tensor: name });
  const group = await readWords(checkpoint, parts.groupIndex);
  if (group.some((g) => g >= groups)) throw fail(`It names a group beyond the ${groups} that there are.`);
  if (!reading.reordered && group.some((g, c) => g !== ordinary[c])) {
    throw fail(
      'The groups do not follow the columns, but desc_act is false, so that some readers would ignore them: set desc_act.',
    );
  }
  return group;
}
