import { createHash } from 'node:crypto';
import { CompressError, openSafetensors } from '@compress/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BLOCK_DECODERS } from '../decode/block-decoders.ts';
import { ggmlType } from '../ggml-types.ts';
import { BLOCK_ENCODERS } from './block-encoders.ts';
import { encodeBlocks } from './encode-blocks.ts';

/** Rows of 256 numbers, and what ggml's C code makes of them: goldens/make_gguf_goldens.py. */
const golden = await openSafetensors(new URL('../../../goldens/gguf-blocks.safetensors', import.meta.url).pathname);
const floats = async (name: string) => new Float32Array((await golden.read(name)).slice().buffer);
const values = await floats('values');
const importance = await floats('importance');
const COLUMNS = 256;

const TYPES = [...BLOCK_ENCODERS.keys()];
/** Types whose scales are not searched, unless an importance matrix says what errors cost. */
const EXACT = ['Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'MXFP4', 'TQ1_0', 'TQ2_0'];

function decode(name: string, bytes: Uint8Array): Float32Array {
  const type = ggmlType(name);
  const output = new Float32Array((bytes.length / type.bytes) * type.elements);
  for (let i = 0; i * type.bytes < bytes.length; i++) {
    BLOCK_DECODERS.get(name)!(bytes, i * type.bytes, output, i * type.elements);
  }
  return output;
}

/** Of each row, the error's share of the row itself, weighted: sum w (y - x)^2 / sum w x^2. */
function errors(decoded: Float32Array, weight: (column: number, x: number) => number): number[] {
  return Array.from({ length: values.length / COLUMNS }, (_, row) => {
    let [error, power] = [0, 0];
    for (let i = row * COLUMNS; i < (row + 1) * COLUMNS; i++) {
      const w = weight(i % COLUMNS, values[i]);
      error += w * (decoded[i] - values[i]) ** 2;
      power += w * values[i] ** 2;
    }
    return error / power;
  });
}

it.each(TYPES)("%s of ggml is decoded as Python's gguf decodes it", async (type) => {
  const bytes = decode(type, await golden.read(type)).buffer;
  expect(createHash('sha256').update(new Uint8Array(bytes)).digest('hex')).toBe(golden.metadata.get(type));
});

it.each(EXACT)('%s is what ggml writes, byte for byte', async (type) => {
  expect(encodeBlocks(type, values, COLUMNS)).toEqual(await golden.read(type));
});

it.each<[string, string]>([
  ['Q4_0', '0034730c953fc851ea841da63fd962fb842e'],
  ['Q4_1', '113400c0730c952ec851ea731da63fc862fb841d'],
  ['Q5_0', '00305aad546ae6083b5d80a2d5f72a4c7f91c4e6193b'],
  ['Q5_1', 'df2f00c05aad546ae6083b5d80a2d5f72a4c7f91c4e6193b'],
  ['Q8_0', '0824ad40d467fc9124b94be073089d30c457ec8114a93cd063f88d20b547dc6f0499'],
  ['MXFP4', '7e9de41bd540bd520ce42ac640ad530cd5'],
])('%s of a worked example', (type, hex) => {
  const x = Float32Array.from({ length: 32 }, (_, i) => (((37 * i + 11) % 64) - 32) / 16);
  expect(Buffer.from(encodeBlocks(type, x, 32)).toString('hex')).toBe(hex);
});

/** Searches leave an error of their own kind, so rows may differ; on the whole ours must leave no more than ggml's. */
function expectNoWorse(ours: number[], theirs: number[]): void {
  const sum = (list: number[]) => list.reduce((total, value) => total + value, 0);
  expect(sum(ours)).toBeLessThan(1.01 * sum(theirs));
  for (const [row, error] of ours.entries()) expect(error, `row ${row}`).toBeLessThan(1.35 * theirs[row] + 5e-4);
}

it.each(TYPES.filter((type) => !EXACT.includes(type)))("%s leaves no more error than ggml's search", async (type) => {
  const ours = decode(type, encodeBlocks(type, values, COLUMNS));
  const theirs = decode(type, await golden.read(type));
  const weight = (_: number, x: number) => Math.abs(x);
  expectNoWorse(errors(ours, weight), errors(theirs, weight));
});

it.each(TYPES)("%s with an importance matrix leaves no more error than ggml's search", async (type) => {
  const ours = decode(type, encodeBlocks(type, values, COLUMNS, importance));
  const theirs = decode(type, await golden.read(`${type}.importance`));
  const weight = (column: number) => importance[column];
  expectNoWorse(errors(ours, weight), errors(theirs, weight));
});

it.each(TYPES)('%s holds zeros, and whatever numbers come it stays within their range', (type) => {
  const { elements } = ggmlType(type);
  expect(decode(type, encodeBlocks(type, new Float32Array(elements), elements)).every((y) => y === 0)).toBe(true);
  const numbers = fc.float32Array({
    minLength: elements,
    maxLength: elements,
    noNaN: true,
    min: -60000,
    max: 60000,
  });
  fc.assert(
    fc.property(numbers, fc.boolean(), (x, weighted) => {
      const decoded = decode(type, encodeBlocks(type, x, elements, weighted ? x.map(Math.abs) : undefined));
      // Halves of a step on either side, and what the search of a scale may add; at two bits a step is large.
      const range = 1.7 * Math.max(...x.map(Math.abs)) + 2 ** -14;
      for (const y of decoded) expect(Math.abs(y)).toBeLessThanOrEqual(range);
    }),
    { numRuns: 60 },
  );
});

it.each(TYPES)('%s refuses what it cannot hold', (type) => {
  const { elements } = ggmlType(type);
  const of = (value: number) => () => encodeBlocks(type, new Float32Array(elements).fill(value), elements);
  expect(of(Number.NaN)).toThrow(expect.objectContaining({ code: 'not-finite' }));
  expect(of(Number.NEGATIVE_INFINITY)).toThrow(CompressError);
  if (type !== 'MXFP4') expect(of(-3e38)).toThrow(expect.objectContaining({ code: 'not-representable' }));
  expect(() => encodeBlocks(type, new Float32Array(3), 3)).toThrow(RangeError);
});
