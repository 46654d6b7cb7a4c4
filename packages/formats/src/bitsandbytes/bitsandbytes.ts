import { type FloatDtype, type Format, type Grid, type LinearSpec, type Objection, tensorBytes } from '@compress/core';
import { transformers } from '../consumers.ts';
import { decodeLayers } from '../decode-layers.ts';
import { isWord } from '../is-word.ts';
import { layerPrefix } from '../layer-prefix.ts';
import { bitsandbytesConfiguration, readBitsandbytesConfiguration } from './configuration.ts';
import { fourBitTensors } from './four-bit-layout.ts';
import { int8Reader, int8Tensors, writeInt8 } from './int8.ts';
import { writeQuantState } from './quant-state.ts';
import { fourBitReader } from './read-four-bit.ts';
import { type FourBitType, schemeOf } from './scheme.ts';
import { writeFourBit } from './write-four-bit.ts';

/** Weights that share an absmax: what its kernels take. */
const BLOCK_SIZES: readonly number[] = [32, 64, 128, 256, 512, 1024, 2048, 4096];

/**
 * Checkpoints of bitsandbytes as transformers saves them. 4 bits (NF4, FP4): `weight` U8, two codes a byte over the rows one after the other, an absmax
 * for each block, F32 or codes themselves (double quantization), and the state as JSON. 8 bits (LLM.int8): `weight` I8 [out, in] and `SCB`, the
 * absmax of each row.
 */
export const bitsandbytes: Format = {
  name: 'bitsandbytes',
  summary: 'bitsandbytes checkpoint for transformers: nf4 or fp4-bnb with or without nested scales, or int8 a row.',
  storesCodes: true,
  consumers: [transformers('bitsandbytes')],
  limit,
  write(linear, dtype) {
    const scheme = schemeOf(linear.quantized.grid);
    if (scheme === undefined) throw new TypeError(`bitsandbytes does not hold ${linear.quantized.grid.name}`);
    return scheme === 'int8' ? writeInt8(linear) : writeFourBit(linear, scheme, dtype);
  },
  size(linear, grid, groupSize, dtype) {
    const scheme = schemeOf(grid);
    const fourBits = scheme === 'nf4' || scheme === 'fp4';
    const tensors = fourBits
      ? fourBitTensors(fourBitShape(linear, grid, scheme, groupSize, dtype))
      : int8Tensors(linear);
    return Object.values(tensors).reduce(
      (sum, { dtype: stored, shape }) => sum + (tensorBytes(stored, shape) as number),
      0,
    );
  },
  configuration: bitsandbytesConfiguration,
  recognizes: ({ quant_method }) => isWord(quant_method, 'bitsandbytes'),
  /** Throws `CompressError` `quantization-config`, `bitsandbytes-parts`; so does reading. */
  async open(checkpoint, configuration) {
    return readBitsandbytesConfiguration(configuration, checkpoint.location) === 'int8'
      ? decodeLayers(checkpoint, int8Reader(checkpoint))
      : decodeLayers(checkpoint, fourBitReader(checkpoint));
  },
};

function fourBitShape(
  { outFeatures, inFeatures }: LinearSpec,
  grid: Grid,
  type: FourBitType,
  blockSize: number,
  dtype: FloatDtype,
) {
  const nested = grid.nested === 'blocks';
  const state = writeQuantState({
    type,
    blockSize,
    dtype,
    shape: [outFeatures, inFeatures],
    offset: nested ? 0 : undefined,
  });
  return { type, outFeatures, inFeatures, blockSize, nested, stateBytes: state.length };
}

function limit(linear: LinearSpec, grid: Grid, groupSize: number, reordered = false): Objection | undefined {
  const { inFeatures } = linear;
  const object = (message: string): Objection => ({ layer: linear.name, message });
  if (layerPrefix(linear) === undefined)
    return object(`The format bitsandbytes names its tensors after a .weight, not after ${linear.weight}.`);
  if (linear.transposed)
    return object(
      'This Conv1D is stored as its inputs have it, which is not written for bitsandbytes: write it as gptq or dense.',
    );
  if (reordered)
    return object('The format bitsandbytes has no index of groups, which "order: act" needs: use "order: act-static".');
  const scheme = schemeOf(grid);
  if (scheme === undefined)
    return object(
      `The kernels of bitsandbytes take nf4, fp4-bnb and int8, not ${grid.name}: choose one of these, or write it as dense.`,
    );
  if (scheme === 'int8') {
    if (groupSize !== inFeatures)
      return object(
        `LLM.int8 of bitsandbytes has one scale a row, not one for ${groupSize} columns: use "groupSize: channel".`,
      );
    if (grid.nested !== undefined) return object('LLM.int8 of bitsandbytes has no nested scales: leave out "nested".');
    return undefined;
  }
  if (grid.nested === 'tensor')
    return object(
      'The format bitsandbytes nests scales in blocks, not in one of the whole weight: use "nested: blocks".',
    );
  if (!BLOCK_SIZES.includes(groupSize) || inFeatures % groupSize !== 0)
    return object(
      `The kernels of bitsandbytes take blocks of 32, 64, 128, ... 4096 weights, and here they must lie within rows: ${inFeatures} columns in blocks of ${groupSize} do not; use another group size.`,
    );
  return undefined;
}
