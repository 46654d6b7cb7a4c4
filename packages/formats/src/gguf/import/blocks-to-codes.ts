import { CompressError, type Grid, integerGrid, type Place, type QuantizedWeight } from '@compress/core';
import { columnsInGroups } from '../../columns-in-groups.ts';
import { halfAt } from '../decode/block-decoder.ts';
import { fiveBits } from '../decode/q5.ts';
import { halfValue } from '../encode/block-encoder.ts';
import { ggmlType } from '../ggml-types.ts';
import { separateRow } from '../interleave.ts';

/** Numbers in a block of every type that is read as codes. */
export const BLOCK = 32;

/** How a type whose blocks have one scale is read as codes. */
interface BlockCodes {
  readonly grid: Grid;
  /** The code of number j of the block at `bytes[at]`. */
  code(bytes: Uint8Array, at: number, j: number): number;
  readonly remark?: string;
}

const nibble = (bytes: Uint8Array, at: number, j: number) => (bytes[at + (j % 16)] >> (j < 16 ? 0 : 4)) & 15;
const ROUNDED_MINIMA =
  'GGUF rounded its minima to f16; they stand for the zero points that they were rounded from, and weights are what these make of them.';

/** By the names of ggml's types. */
export const BLOCK_CODES: ReadonlyMap<string, BlockCodes> = new Map<string, BlockCodes>([
  ['Q4_0', { grid: integerGrid({ bits: 4 }), code: (bytes, at, j) => nibble(bytes, at + 2, j) }],
  [
    'Q4_1',
    {
      grid: integerGrid({ bits: 4, symmetric: false }),
      code: (bytes, at, j) => nibble(bytes, at + 4, j),
      remark: ROUNDED_MINIMA,
    },
  ],
  ['Q5_0', { grid: integerGrid({ bits: 5 }), code: (bytes, at, j) => fiveBits(bytes, at + 2, j) }],
  [
    'Q5_1',
    {
      grid: integerGrid({ bits: 5, symmetric: false }),
      code: (bytes, at, j) => fiveBits(bytes, at + 4, j),
      remark: ROUNDED_MINIMA,
    },
  ],
  // Two's complement, and codes from 0.
  ['Q8_0', { grid: integerGrid({ bits: 8 }), code: (bytes, at, j) => (bytes[at + 2 + j] + 128) & 255 }],
]);

/**
 * The codes of a matrix in blocks: scale = d, and for types with a minimum the zero point z of which m = -z d in f16, which is one at most. In blocks that
 * are 0 whatever their codes are, every code is the zero point. `headRows`: rows of q and k are put back in Hugging Face's order. Throws `CompressError`
 * `not-representable` for scales below 0 and minima that are no zero point, as ggml's own quantizer makes them.
 */
export function blocksToCodes(p: {
  readonly blocks: Uint8Array;
  /** One of {@link BLOCK_CODES}. */
  readonly type: string;
  readonly rows: number;
  readonly columns: number;
  readonly headRows: number | undefined;
  readonly place: Place;
}): QuantizedWeight {
  const { blocks, type, rows, columns } = p;
  const { grid, code } = BLOCK_CODES.get(type)!;
  const { bytes } = ggmlType(type);
  const groups = columns / BLOCK;
  const codes = new Uint8Array(rows * columns);
  const scales = new Float32Array(rows * groups);
  const zeros = new Float32Array(rows * groups);
  for (let stored = 0, at = 0; stored < rows; stored++) {
    const row = p.headRows === undefined ? stored : separateRow(stored, p.headRows);
    for (let g = 0; g < groups; g++, at += bytes) {
      const group = row * groups + g;
      const from = row * columns + g * BLOCK;
      const scale = halfAt(blocks, at);
      const minimum = grid.symmetric ? undefined : halfAt(blocks, at + 2);
      const zero = minimum === undefined ? 2 ** (grid.bits - 1) : zeroOf(scale, minimum, 2 ** grid.bits - 1);
      if (scale < 0 || !Number.isFinite(scale) || zero === undefined) throw noZero(type, scale, minimum, p.place);
      scales[group] = scale === 0 ? 1 : scale;
      zeros[group] = zero;
      for (let j = 0; j < BLOCK; j++) codes[from + j] = scale === 0 ? zero : code(blocks, at, j);
    }
  }
  return {
    rows,
    columns,
    grid,
    groupSize: BLOCK,
    codes,
    scales: { groups, scales, zeros, group: columnsInGroups(columns, BLOCK) },
  };
}

/** Zero points of one scale are further apart than the rounding of f16 reaches. */
function zeroOf(scale: number, minimum: number, maxCode: number): number | undefined {
  if (scale === 0) return minimum === 0 ? 0 : undefined;
  const zero = Math.round(-minimum / scale) + 0;
  return zero >= 0 && zero <= maxCode && halfValue(-zero * scale) === minimum ? zero : undefined;
}

function noZero(type: string, scale: number, minimum: number | undefined, place: Place): CompressError {
  const numbers = minimum === undefined ? `scale ${scale}` : `scale ${scale} and the minimum ${minimum}`;
  return new CompressError(
    'not-representable',
    `A block of ${type} has the ${numbers}, which no scale and zero point of ${BLOCK_CODES.get(type)!.grid.name} make: take the model as floats (dense), and quantize these.`,
    place,
  );
}
