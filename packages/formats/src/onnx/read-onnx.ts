import { type Checkpoint, CompressError, integerGrid, type TensorInfo } from '@compress/core';
import { unpackBits } from '../bit-stream.ts';
import { columnsInGroups } from '../columns-in-groups.ts';
import type { LayerParts, LayerReader } from '../decode-layers.ts';
import { readScales, readWords, scaleTypeOf } from '../read-parts.ts';
import { BITS, onnxTensors, SMALLEST_BLOCK, SUFFIXES, zeroBytes } from './onnx-layout.ts';

/** One layer's tensors, proven to fit together. */
interface OnnxParts extends LayerParts {
  readonly quant: TensorInfo;
  readonly scales: TensorInfo;
  /** Absent: 2^(bits - 1). */
  readonly zeros: TensorInfo | undefined;
}

/** How layers of codes of `bits` bits are read. Throws `CompressError` `onnx-parts`. */
export function onnxReader(checkpoint: Checkpoint, bits: number): LayerReader<OnnxParts> {
  return {
    suffixes: Object.values(SUFFIXES),
    match(prefix) {
      const fail = (message: string, suffix: string) =>
        new CompressError('onnx-parts', message, { file: checkpoint.location, tensor: `${prefix}.${suffix}` });
      const find = (suffix: string) => checkpoint.tensors.get(`${prefix}.${suffix}`);
      const [quant, scales, zeros] = [SUFFIXES.quant, SUFFIXES.scales, SUFFIXES.zeros].map(find);
      if (checkpoint.tensors.has(`${prefix}.weight`))
        throw fail('The layer is there twice, in codes and in floats: delete one of the two.', 'weight');
      if (quant?.shape.length !== 3) throw fail('The codes must have three dimensions.', SUFFIXES.quant);
      if (scales === undefined) throw fail('The layer has codes but lacks its scales.', SUFFIXES.quant);
      const [outFeatures, groups, groupBytes] = quant.shape;
      const groupSize = (8 * groupBytes) / bits;
      if (!isBlock(groupSize)) throw fail(`Groups of ${groupSize} columns are none of MatMulNBits.`, SUFFIXES.quant);
      const { dtype } = scales;
      if (dtype !== 'F16' && dtype !== 'BF16' && dtype !== 'F32')
        throw fail(`Scales must be F16, BF16 or F32, not ${dtype}.`, SUFFIXES.scales);
      const inFeatures = groups * groupSize;
      const symmetric = zeros === undefined;
      const expected = onnxTensors({ bits, outFeatures, inFeatures, groups, symmetric, dtype });
      for (const [suffix, { dtype: stored, shape }] of Object.entries(expected)) {
        const part = find(suffix)!;
        if (part.dtype !== stored || String(part.shape) !== String(shape))
          throw fail(`It is ${part.dtype} [${part.shape}], but must be ${stored} [${shape}].`, suffix);
      }
      const grid = integerGrid({ bits, symmetric, scaleType: scaleTypeOf(scales) });
      return { quant, scales, zeros, shape: { outFeatures, inFeatures }, grid, groupSize };
    },
    async load({ quant, scales, zeros, shape: { outFeatures, inFeatures }, groupSize }) {
      const words = await readWords(checkpoint, quant);
      const groups = inFeatures / groupSize;
      const rowWords = (inFeatures * bits) / 32;
      return {
        scales: {
          groups,
          scales: await readScales(checkpoint, scales),
          zeros: zeros
            ? unpackZeros(await checkpoint.read(zeros.name), outFeatures, groups)
            : new Float32Array(outFeatures * groups).fill(2 ** (bits - 1)),
          group: columnsInGroups(inFeatures, groupSize),
        },
        unpackRow: (row, codes) => unpackBits({ words, offset: row * rowWords, stride: 1 }, bits, codes),
      };
    },
  };

  function unpackZeros(packed: Uint8Array, rows: number, groups: number): Float32Array {
    const rowBytes = zeroBytes(groups, bits);
    return Float32Array.from({ length: rows * groups }, (_, at) => {
      const bit = (at % groups) * bits;
      return (packed[Math.floor(at / groups) * rowBytes + (bit >> 3)] >> (bit & 7)) & (2 ** bits - 1);
    });
  }
}

/** The width of all codes, by the configuration. Throws `CompressError` `quantization-config`. */
export function readOnnxBits({ bits }: Readonly<Record<string, unknown>>, file: string): number {
  if (typeof bits === 'number' && BITS.includes(bits)) return bits;
  const message = `bits must be one of ${BITS.join(', ')}, not ${JSON.stringify(bits)}.`;
  throw new CompressError('quantization-config', message, { file });
}

/** Whether MatMulNBits knows groups of so many columns. */
export function isBlock(groupSize: number): boolean {
  return groupSize >= SMALLEST_BLOCK && Number.isInteger(Math.log2(groupSize));
}
