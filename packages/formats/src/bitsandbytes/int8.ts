import {
  type Checkpoint,
  CompressError,
  integerGrid,
  type QuantizedLinear,
  type TensorInfo,
  type TensorSource,
} from '@compress/core';
import { checkZero } from '../check-zero.ts';
import type { LayerParts, LayerReader } from '../decode-layers.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { readScales } from '../read-parts.ts';

/** A grid's unsigned codes lie above the signed ones of the file by this. */
const MIDDLE = 128;
/** The code that stands for the absmax of a row, which is stored in the place of its scale. */
const LARGEST = 127;
/** `weight_format`: rows one after the other, the only one that is stored. */
const ROW_MAJOR = 0;

/** The tensors of a Linear in LLM.int8: suffix, dtype and shape. */
export function int8Tensors({
  outFeatures,
  inFeatures,
}: {
  readonly outFeatures: number;
  readonly inFeatures: number;
}) {
  return {
    weight: { dtype: 'I8', shape: [outFeatures, inFeatures], byteLength: outFeatures * inFeatures },
    SCB: { dtype: 'F32', shape: [outFeatures], byteLength: 4 * outFeatures },
    weight_format: { dtype: 'U8', shape: [], byteLength: 1 },
  } as const;
}

/** The tensors of a Linear with one scale a row. Throws on reading them `CompressError` `not-representable` for a scale that is no 127th of an f32. */
export function writeInt8({ spec, quantized }: QuantizedLinear): readonly TensorSource[] {
  const { rows, columns, codes, scales } = quantized;
  const prefix = layerPrefix(spec);
  const parts: Readonly<Record<string, () => Uint8Array>> = {
    weight() {
      for (const zero of scales.zeros) checkZero(zero, 8, true, `${prefix}.weight`);
      // Signed bytes: minus 128 is plus 128.
      return codes.map((code) => code - MIDDLE);
    },
    SCB() {
      const absmax = scales.scales.map((scale) => scale * LARGEST);
      const at = scales.scales.findIndex((scale, i) => Math.fround(absmax[i] / LARGEST) !== scale);
      if (at >= 0)
        throw new CompressError(
          'not-representable',
          `The scale ${scales.scales[at]} is no 127th of an F32: use a grid with scaleType f16 or bf16.`,
          { tensor: `${prefix}.SCB` },
        );
      return new Uint8Array(absmax.buffer);
    },
    weight_format: () => Uint8Array.of(ROW_MAJOR),
  };
  return Object.entries(int8Tensors({ outFeatures: rows, inFeatures: columns })).map(([suffix, info]) => ({
    name: `${prefix}.${suffix}`,
    ...info,
    bytes: async () => parts[suffix](),
  }));
}

interface Int8Parts extends LayerParts {
  readonly weight: TensorInfo;
  readonly absmax: TensorInfo;
  readonly order: TensorInfo | undefined;
}

/** How layers of LLM.int8 are read: weight = code * (SCB / 127) in f32. Throws `CompressError` `bitsandbytes-parts`. */
export function int8Reader(checkpoint: Checkpoint): LayerReader<Int8Parts> {
  const fail = (message: string, tensor: string) =>
    new CompressError('bitsandbytes-parts', message, { file: checkpoint.location, tensor });
  return {
    suffixes: ['SCB', 'weight', 'weight_format'],
    match(prefix) {
      const [weight, absmax, order] = ['weight', 'SCB', 'weight_format'].map((suffix) =>
        checkpoint.tensors.get(`${prefix}.${suffix}`),
      );
      if (weight?.dtype !== 'I8' || weight.shape.length !== 2)
        throw fail('The codes must be I8 of two dimensions.', `${prefix}.weight`);
      const [outFeatures, inFeatures] = weight.shape;
      if (absmax?.dtype !== 'F32' || String(absmax.shape) !== String([outFeatures]))
        throw fail(`It must be F32 [${outFeatures}].`, `${prefix}.SCB`);
      const grid = integerGrid({ bits: 8, scaleType: 'f32' });
      return { weight, absmax, order, shape: { outFeatures, inFeatures }, grid, groupSize: inFeatures };
    },
    async load({ weight, absmax, order, shape: { outFeatures, inFeatures } }) {
      if (order && (await checkpoint.read(order.name))[0] !== ROW_MAJOR)
        throw fail('Codes lie in the order of a GPU, which is not read: save the model again.', order.name);
      const bytes = await checkpoint.read(weight.name);
      const scales = (await readScales(checkpoint, absmax)).map((value) => value / LARGEST);
      return {
        scales: {
          groups: 1,
          scales,
          zeros: new Float32Array(outFeatures).fill(MIDDLE),
          group: new Uint32Array(inFeatures),
        },
        unpackRow(row, codes) {
          for (let c = 0; c < inFeatures; c++) codes[c] = bytes[row * inFeatures + c] + MIDDLE;
        },
      };
    },
  };
}
