import type { Matrix } from './matrix.ts';

/**
 * The representable numbers of one group, as kernels need them: a code and a scale (and, for integers, a zero point) make a value.
 *
 * - `integer`: value = (code - zero) * scale, code in 0..maxCode, code = clamp(roundHalfEven(w / scale) + zero, 0, maxCode).
 * - `table`: value = levels[code] * scale, levels ascending, code = the level nearest to w / scale, a tie going to the lower code.
 * - `tables`: the same with a table for each row of the weight, all of one length: `levels` is `[rows, levels of a row]`.
 *
 * All arithmetic is f32: w / scale is one f32 division, and the product one f32 multiplication.
 */
export type CodeGrid =
  | { readonly kind: 'integer'; readonly maxCode: number }
  | { readonly kind: 'table'; readonly levels: Float32Array }
  | { readonly kind: 'tables'; readonly levels: Matrix };

/** Scale and zero point of every (row, group) of a weight of `rows` x `columns`; `group[c]` is the group of column c. */
export interface GroupScales {
  readonly groups: number;
  /** `[rows, groups]`, all finite and > 0. */
  readonly scales: Float32Array;
  /** `[rows, groups]`; zeros of grids of levels are 0. Integers held as f32. */
  readonly zeros: Float32Array;
  /** `[columns]`: the group that column c belongs to. */
  readonly group: Uint32Array;
}
