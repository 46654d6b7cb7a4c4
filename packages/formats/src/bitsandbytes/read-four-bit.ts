import {
  type Checkpoint,
  CompressError,
  columnsPerGroup,
  type StoredScales,
  type TensorInfo,
  tableGrid,
} from '@compress/core';
import { columnsInGroups } from '../columns-in-groups.ts';
import type { LayerParts, LayerReader } from '../decode-layers.ts';
import { readScales } from '../read-parts.ts';
import { FOUR_BIT_SUFFIXES, fourBitTensors, NESTED_BLOCK, stateSuffix } from './four-bit-layout.ts';
import { type QuantState, readQuantState } from './quant-state.ts';
import { type FourBitType, LEVELS, levelsOfCodes, QUANT_MAPS, sameLevels } from './scheme.ts';

/** One layer's tensors by suffix, proven to fit together. */
interface FourBitParts extends LayerParts {
  readonly prefix: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly state: QuantState;
}

/** How 4-bit layers are read. Throws `CompressError` `bitsandbytes-parts`. */
export function fourBitReader(checkpoint: Checkpoint): LayerReader<FourBitParts> {
  const failure = (prefix: string) => (message: string, suffix: string) =>
    new CompressError('bitsandbytes-parts', message, { file: checkpoint.location, tensor: `${prefix}.${suffix}` });

  return {
    suffixes: FOUR_BIT_SUFFIXES,
    async match(prefix) {
      const fail = failure(prefix);
      const type = (['nf4', 'fp4'] as const).find((kind) => checkpoint.tensors.has(`${prefix}.${stateSuffix(kind)}`));
      if (type === undefined) throw fail('The layer has scales but lacks its quant_state.', stateSuffix('nf4'));
      const text = await checkpoint.read(`${prefix}.${stateSuffix(type)}`);
      const state = readQuantState(text);
      if (state?.quant_type !== type) throw fail(`It is no state of a weight in ${type}.`, stateSuffix(type));
      const nested = state.nested_blocksize !== undefined;
      if (nested && (state.nested_blocksize !== NESTED_BLOCK || state.nested_offset === undefined))
        throw fail(
          `Its scales are in blocks of ${state.nested_blocksize}, not ${NESTED_BLOCK}, or lack their offset.`,
          stateSuffix(type),
        );
      const [outFeatures, inFeatures] = state.shape;
      const shape = { outFeatures, inFeatures };
      const layout = fourBitTensors({ ...shape, type, blockSize: state.blocksize, nested, stateBytes: text.length });
      const tensors = new Map<string, TensorInfo>();
      for (const [suffix, { dtype, shape: dimensions }] of Object.entries(layout)) {
        const info = checkpoint.tensors.get(`${prefix}.${suffix}`);
        if (info === undefined) throw fail('The layer lacks this tensor.', suffix);
        if (info.dtype !== dtype || String(info.shape) !== String(dimensions))
          throw fail(`It is ${info.dtype} [${info.shape}], but must be ${dtype} [${dimensions}].`, suffix);
        tensors.set(suffix, info);
      }
      const groupSize = columnsPerGroup(inFeatures, { flattened: state.blocksize });
      return { prefix, shape, tensors, state, groupSize, grid: gridOf(type, nested) };
    },
    async load({ prefix, tensors, state, shape, groupSize }) {
      const bytes = await checkpoint.read(tensors.get('weight')!.name);
      const map = await readScales(checkpoint, tensors.get('weight.quant_map')!);
      const { quant_type: type } = state;
      if (!sameLevels(QUANT_MAPS[type], map))
        throw failure(prefix)(
          `The levels are not those of ${type}, which kernels use whatever is stored here.`,
          'weight.quant_map',
        );
      const levels = levelsOfCodes(type);
      const { inFeatures, outFeatures } = shape;
      const groups = inFeatures / groupSize;
      const { scales: ofBlocks, nested } = await readAbsmax(checkpoint, tensors, state);
      const scales = Float32Array.from(
        { length: outFeatures * groups },
        (_, at) => ofBlocks[Math.floor((at * groupSize) / state.blocksize)],
      );
      return {
        scales: {
          groups,
          scales,
          zeros: new Float32Array(scales.length),
          group: columnsInGroups(inFeatures, groupSize),
          ...(nested && { nested }),
        },
        unpackRow(row, codes) {
          for (let c = 0; c < inFeatures; c++) {
            const at = row * inFeatures + c;
            codes[c] = levels[at % 2 === 0 ? bytes[at >> 1] >> 4 : bytes[at >> 1] & 0xf];
          }
        },
      };
    },
  };
}

function gridOf(type: FourBitType, nested: boolean) {
  return tableGrid({
    name: type === 'nf4' ? 'nf4' : 'fp4-bnb',
    levels: [...LEVELS[type]],
    ...(nested ? { nested: 'blocks' } : { scaleType: 'f32' }),
  });
}

/** The scale of each block in f32, and how it is stored where it is a code itself. */
async function readAbsmax(
  checkpoint: Checkpoint,
  tensors: ReadonlyMap<string, TensorInfo>,
  state: QuantState,
): Promise<{ scales: Float32Array } & Pick<StoredScales, 'nested'>> {
  const floats = (suffix: string) => readScales(checkpoint, tensors.get(suffix)!);
  if (state.nested_offset === undefined) return { scales: await floats('weight.absmax') };
  const codes = (await checkpoint.read(tensors.get('weight.absmax')!.name)).slice();
  const absmax = await floats('weight.nested_absmax');
  const map = await floats('weight.nested_quant_map');
  const offset = Math.fround(state.nested_offset);
  const scales = Float32Array.from(codes, (code, block) => {
    return Math.fround(map[code] * absmax[Math.floor(block / NESTED_BLOCK)]) + offset;
  });
  return { scales, nested: { kind: 'blocks', codes, absmax, offset, map } };
}
