import { type CodedWeight, CompressError, type QuantizedWeight } from '@compress/core';
import { halfValue, putHalf, putNibbles } from '../encode/block-encoder.ts';
import { putFiveBits } from '../encode/q5.ts';
import { ggmlType } from '../ggml-types.ts';
import { separateRow } from '../interleave.ts';

/** A block of every type that holds codes has as many numbers. */
const BLOCK = 32;

/** The type whose blocks hold a weight's codes as they are, or why none does. */
export function codesType(coded: CodedWeight, columns: number): { readonly type: string } | { readonly why: string } {
  const { grid, groupSize, reordered } = coded;
  if (grid.codes.kind === 'table') return { why: 'its levels are a table' };
  if (reordered) return { why: 'its groups do not follow the columns (act-order)' };
  const size = Math.min(groupSize, columns);
  if (size % BLOCK !== 0) return { why: `its groups of ${size} are no multiple of ${BLOCK}` };
  if (columns % BLOCK !== 0) return { why: `its rows of ${columns} are no multiple of ${BLOCK}` };
  if (grid.bits <= 4) return { type: grid.symmetric ? 'Q4_0' : 'Q4_1' };
  if (grid.bits === 5) return { type: grid.symmetric ? 'Q5_0' : 'Q5_1' };
  if (grid.symmetric) return { type: 'Q8_0' };
  return { why: `no type has zero points with ${grid.bits} bits` };
}

/** What was lost where codes were placed: minima m = -zero scale are f16 in the file. */
export interface PlacementLoss {
  /** The largest difference of a minimum, in steps of its scale. */
  minimum: number;
}

/**
 * Blocks of a weight with its codes unchanged: q = code, centred as the type has it, d = scale, and for types with a minimum m = -zero scale. A group
 * longer than a block is repeated. `headRows`: the rows are put in ggml's order of q and k. The difference that rounding m to f16 makes goes to `loss`.
 * Throws `CompressError` `not-representable` for scales that f16 does not hold exactly.
 */
export function codesToBlocks(
  { rows, columns, grid, codes, scales }: QuantizedWeight,
  type: string,
  headRows: number | undefined,
  loss: PlacementLoss,
): Uint8Array {
  const { bytes } = ggmlType(type);
  const output = new Uint8Array((rows * columns * bytes) / BLOCK);
  const middle = grid.symmetric ? 2 ** (grid.bits - 1) : 0;
  const put = PUT[type];
  const block = new Uint8Array(BLOCK);
  for (let row = 0, at = 0; row < rows; row++) {
    const from = headRows === undefined ? row : separateRow(row, headRows);
    for (let c = 0; c < columns; c += BLOCK, at += bytes) {
      const group = from * scales.groups + scales.group[c];
      const [scale, zero] = [scales.scales[group], scales.zeros[group]];
      if (halfValue(scale) !== scale) throw inexact(scale);
      if (grid.symmetric && zero !== middle) throw new RangeError(`A symmetric grid has the zero point ${zero}.`);
      const target = output.subarray(at, at + bytes);
      putHalf(target, 0, scale);
      if (!grid.symmetric) {
        const minimum = putHalf(target, 2, -zero * scale);
        if (scale !== 0) loss.minimum = Math.max(loss.minimum, Math.abs((minimum + zero * scale) / scale));
      }
      for (let j = 0; j < BLOCK; j++) block[j] = codes[from * columns + c + j] - middle + put.middle;
      put.codes(target, block);
    }
  }
  return output;
}

/** How the codes of a block lie in it, and which one stands for 0 where there is no minimum. */
const PUT: Readonly<Record<string, { readonly middle: number; codes(target: Uint8Array, block: Uint8Array): void }>> = {
  Q4_0: { middle: 8, codes: (target, block) => putNibbles(target, 2, block) },
  Q4_1: { middle: 0, codes: (target, block) => putNibbles(target, 4, block) },
  Q5_0: { middle: 16, codes: (target, block) => putFiveBits(target, 2, block) },
  Q5_1: { middle: 0, codes: (target, block) => putFiveBits(target, 4, block) },
  // Signed bytes: what the Uint8Array wraps around is their two's complement.
  Q8_0: { middle: 0, codes: (target, block) => target.set(block, 2) },
};

function inexact(scale: number): CompressError {
  return new CompressError(
    'not-representable',
    `The scale ${scale} is none of f16, which blocks have; give a type, so that the weights are encoded anew.`,
  );
}
