import { z } from 'zod';
import { CompressError } from '../errors.ts';

/**
 * What shares one scale: that many neighbouring input columns of a row, a whole row, the whole weight, that many neighbouring weights of
 * all rows one after the other, as in bitsandbytes (such blocks may begin in one row and end in another), or a block of so many rows and columns, as in
 * DeepSeek's FP8 (the last rows may fill none).
 */
export type GroupSize =
  | number
  | 'channel'
  | 'tensor'
  | { readonly flattened: number }
  | { readonly block: readonly [number, number] };

const GROUP_SIZE_MISTAKE =
  'A group size is a positive number of columns, "channel" (one group a row; other tools write -1), "tensor", { flattened: columns } or { block: [rows, columns] }.';

/** A group size as recipes write it. */
export const groupSizeSchema = z.union(
  [
    z.int().min(1, GROUP_SIZE_MISTAKE),
    z.enum(['channel', 'tensor']),
    z.strictObject({ flattened: z.int().min(1, GROUP_SIZE_MISTAKE) }),
    z.strictObject({
      block: z.tuple([z.int().min(1, GROUP_SIZE_MISTAKE), z.int().min(1, GROUP_SIZE_MISTAKE)]).readonly(),
    }),
  ],
  {
    error: GROUP_SIZE_MISTAKE,
  },
);

/** How many sizes an objection offers instead. */
const OFFERED = 3;
/** Consumers unpack 32-bit words and vector registers: sizes offered are multiples of this where there are such. */
const PREFERRED_MULTIPLE = 32;

/** Why `columns` cannot be cut into groups of this size, naming near sizes that could; undefined if they can. */
export function groupSizeObjection(columns: number, groupSize: GroupSize): string | undefined {
  const size = typeof groupSize === 'object' && 'block' in groupSize ? groupSize.block[1] : groupSize;
  if (typeof size !== 'number' || columns % size === 0) return undefined;
  const divisors = Array.from({ length: columns }, (_, i) => i + 1).filter((size) => columns % size === 0);
  const preferred = divisors.filter((size) => size % PREFERRED_MULTIPLE === 0);
  const distance = (other: number) => Math.abs(Math.log(other / size));
  const offered = (preferred.length > 0 ? preferred : divisors)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, OFFERED)
    .sort((a, b) => a - b);
  return `${columns} input columns cannot be cut into groups of ${size}; use a group size that divides them (${offered.join(', ')}) or "channel".`;
}

/**
 * The number of columns in one group: of flattened blocks, the largest of which both blocks and rows are made. Throws `CompressError` `group-size` where
 * they do not divide.
 */
export function columnsPerGroup(columns: number, groupSize: GroupSize): number {
  const objection = groupSizeObjection(columns, groupSize);
  if (objection !== undefined) throw new CompressError('group-size', objection);
  if (typeof groupSize === 'object')
    return 'block' in groupSize ? groupSize.block[1] : greatestCommonDivisor(columns, groupSize.flattened);
  return typeof groupSize === 'string' ? columns : groupSize;
}

/** How many weights of a `[rows, columns]` weight share a scale, at most. Throws `CompressError` `group-size`. */
export function weightsPerGroup([rows, columns]: readonly [number, number], groupSize: GroupSize): number {
  if (groupSize === 'tensor') return rows * columns;
  if (typeof groupSize === 'object' && 'flattened' in groupSize) return groupSize.flattened;
  const size = columnsPerGroup(columns, groupSize);
  return typeof groupSize === 'object' ? groupSize.block[0] * size : size;
}

/** How many scales a `[rows, columns]` weight has. Throws `CompressError` `group-size`. */
export function groupCount([rows, columns]: readonly [number, number], groupSize: GroupSize): number {
  if (typeof groupSize === 'object' && 'block' in groupSize)
    return Math.ceil(rows / groupSize.block[0]) * (columns / columnsPerGroup(columns, groupSize));
  return Math.ceil((rows * columns) / weightsPerGroup([rows, columns], groupSize));
}

/** Neighbouring rows that share their scales, 1 where each has its own; `all`: one scale serves the whole weight. */
export type ScaleRows = number | 'all';

/** The rows that share a scale under a group size. Of flattened blocks, which know no rows, 1. */
export function rowsPerScale(groupSize: GroupSize): ScaleRows {
  if (typeof groupSize === 'object' && 'block' in groupSize) return groupSize.block[0];
  return groupSize === 'tensor' ? 'all' : 1;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
