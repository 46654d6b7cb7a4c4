import { type Checkpoint, CompressError, integerGrid, type TensorInfo, tableGrid } from '@compress/core';
import { decodeHalf, encodeHalf } from '@compress/kernels';
import { unpackBits } from '../bit-stream.ts';
import { columnsInGroups } from '../columns-in-groups.ts';
import type { LayerParts, LayerReader } from '../decode-layers.ts';
import { readScales, readWords, scaleTypeOf } from '../read-parts.ts';
import { AFFINE_BITS, E2M1_BY_CODE, E2M1_LEVELS, type MlxMode, MXFP4_GROUP, mlxTensors } from './mlx-layout.ts';

/** What a reader must know of the configuration. */
export interface MlxReading {
  readonly mode: MlxMode;
  readonly bits: number;
  readonly groupSize: number;
}

/** One layer's tensors, proven to fit together. */
interface MlxParts extends LayerParts {
  readonly weight: TensorInfo;
  readonly scales: TensorInfo;
  /** Of affine layers. */
  readonly biases: TensorInfo | undefined;
}

/** How layers are read; bits and group sizes may differ between layers, and are those of their shapes. Throws `CompressError` `mlx-parts`. */
export function mlxReader(checkpoint: Checkpoint, settings: (layer: string) => MlxReading): LayerReader<MlxParts> {
  return {
    suffixes: ['scales', 'weight', 'biases'],
    async match(prefix) {
      const fail = (message: string, suffix: string) =>
        new CompressError('mlx-parts', message, { file: checkpoint.location, tensor: `${prefix}.${suffix}` });
      const { mode, bits, groupSize } = settings(prefix);
      const [scales, weight, biases] = ['scales', 'weight', 'biases'].map((suffix) =>
        checkpoint.tensors.get(`${prefix}.${suffix}`),
      );
      if (scales?.shape.length !== 2) throw fail('The scales must have two dimensions.', 'scales');
      const [outFeatures, groups] = scales.shape;
      const inFeatures = groups * groupSize;
      const { dtype } = scales;
      if (mode === 'affine' && dtype !== 'F16' && dtype !== 'BF16' && dtype !== 'F32')
        throw fail(`Scales must be F16, BF16 or F32, not ${dtype}.`, 'scales');
      const expected = mlxTensors({
        mode,
        bits,
        outFeatures,
        inFeatures,
        groups,
        dtype: dtype as 'F16' | 'BF16' | 'F32',
      });
      const found = { weight, scales, biases };
      for (const [suffix, { dtype: stored, shape }] of Object.entries(expected)) {
        const part = found[suffix as keyof typeof found];
        if (part === undefined) throw fail('The layer lacks this tensor.', suffix);
        if (part.dtype !== stored || String(part.shape) !== String(shape))
          throw fail(`It is ${part.dtype} [${part.shape}], but must be ${stored} [${shape}].`, suffix);
      }
      const grid =
        mode === 'mxfp4'
          ? tableGrid({ name: 'mxfp4', levels: [...E2M1_LEVELS], scaleType: 'e8m0', reach: 7 })
          : integerGrid({ bits, symmetric: false, scaleType: await narrowestType(checkpoint, scales) });
      return { weight: weight!, scales, biases, shape: { outFeatures, inFeatures }, grid, groupSize };
    },
    async load({ weight, scales, biases, shape: { outFeatures, inFeatures }, groupSize, grid: { bits } }) {
      const words = await readWords(checkpoint, weight);
      const rowWords = (inFeatures * bits) / 32;
      const groups = inFeatures / groupSize;
      const unpack = (row: number, codes: Uint8Array) =>
        unpackBits({ words, offset: row * rowWords, stride: 1 }, bits, codes);
      const group = columnsInGroups(inFeatures, groupSize);
      if (biases === undefined) {
        const stored = await checkpoint.read(scales.name);
        const levels = Uint8Array.from(E2M1_BY_CODE, (value) => E2M1_LEVELS.indexOf(value + 0));
        const values = Float32Array.from(stored, (exponent) => 2 ** (exponent - 127));
        return {
          scales: { groups, scales: values, zeros: new Float32Array(outFeatures * groups), group },
          unpackRow(row, codes) {
            unpack(row, codes);
            for (let c = 0; c < codes.length; c++) codes[c] = levels[codes[c]];
          },
        };
      }
      const values = await readScales(checkpoint, scales);
      const offsets = await readScales(checkpoint, biases);
      const zeros = values.map((scale, i) => (offsets[i] === 0 ? 0 : -offsets[i] / scale));
      return { scales: { groups, scales: values, zeros, group }, offsets, unpackRow: unpack };
    },
  };
}

/** F32 scales may be those of a narrower type, which other formats have: an asymmetric grid's are written so. */
async function narrowestType(checkpoint: Checkpoint, scales: TensorInfo): Promise<'f16' | 'bf16' | 'f32'> {
  if (scales.dtype !== 'F32') return scaleTypeOf(scales);
  const values = await readScales(checkpoint, scales);
  if (values.every((value) => decodeHalf(encodeHalf(value, 'f16'), 'f16') === value)) return 'f16';
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return bits.every((word) => (word & 0xffff) === 0) ? 'bf16' : 'f32';
}

/** Reads one `{ group_size, bits, mode }`. Throws `CompressError` `quantization-config`. */
export function readMlxSettings(fields: Readonly<Record<string, unknown>>, location: string): MlxReading {
  const fail = (message: string) => new CompressError('quantization-config', message, { file: location });
  const { bits, group_size: groupSize, mode = 'affine' } = fields;
  if (mode !== 'affine' && mode !== 'mxfp4') throw fail(`mode must be affine or mxfp4, not ${JSON.stringify(mode)}.`);
  const sound = mode === 'affine' ? AFFINE_BITS.includes(bits as number) : bits === 4;
  if (!sound) throw fail(`bits must be one that ${mode} has, not ${JSON.stringify(bits)}.`);
  const group =
    typeof groupSize === 'number' && Number.isInteger(groupSize) && groupSize % MXFP4_GROUP === 0 && groupSize > 0;
  if (!group || (mode === 'mxfp4' && groupSize !== MXFP4_GROUP))
    throw fail(`group_size must be one that ${mode} has, not ${JSON.stringify(groupSize)}.`);
  return { mode, bits: bits as number, groupSize: groupSize as number };
}
