import type { CodeGrid, GroupScales } from '@compress/kernels';

/**
 * How a group's scale (and zero point) is chosen.
 *
 * - `minmax`: the group's range, whole (absmax for symmetric and table grids).
 * - `mse`: of 40 shrunken ranges the one with the least squared error.
 * - `hessian`: the same search, each column's squared error weighed by what the algorithm says it costs: the diagonal of the gram for rounding to
 *   nearest, what error feedback leaves of it for GPTQ. It needs calibration.
 * - `percentile`: the range of what is left when the grid's `percentile` cuts off the tails.
 */
export type ScaleRule = 'minmax' | 'mse' | 'percentile' | 'hessian';

/** The precision in which scales are stored. */
export type ScaleType = 'f32' | 'f16' | 'bf16';

/**
 * The representable numbers of a group and how scale and zero are chosen. Plain data: it goes into manifests as it is. Rounding (how a
 * code is reached: RTN, GPTQ, ...) is another matter and knows grids only through this.
 */
export interface Grid {
  /** `int4`, `int4-asym`, `nf4`, ...: what recipes and reports call it. */
  readonly name: string;
  /** Width of a code as it is packed. */
  readonly bits: number;
  /** What kernels quantize with. */
  readonly codes: CodeGrid;
  /** Integer grids: codes are centred and there is no zero point to store. Always true of table grids. */
  readonly symmetric: boolean;
  readonly scales: ScaleRule;
  /** With `scales: percentile`, and only then: percent of a group's weights that the range covers on each side, 50..100. */
  readonly percentile?: number;
  /** The precision that scales are stored in; the values of codes are those of stored scales. */
  readonly scaleType: ScaleType;
}

/** A Linear's weight as codes: what formats write. Value of (r, c): see `CodeGrid` with `scales.group[c]`. */
export interface QuantizedWeight {
  readonly rows: number;
  readonly columns: number;
  readonly grid: Grid;
  /** Columns a group; `columns` for one group a row (per channel), or where all rows share one scale (per tensor). */
  readonly groupSize: number;
  /** `[rows, columns]`, one code a byte. */
  readonly codes: Uint8Array;
  readonly scales: GroupScales;
}
