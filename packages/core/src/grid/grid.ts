import type { CodeGrid, GroupScales } from '@compress/kernels';

/** How a group's scale (and zero point) is chosen. `hessian` weighs each column's squared error by the gram's diagonal. */
export type ScaleRule = 'minmax' | 'mse' | 'percentile' | 'hessian';

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
  /** The precision that scales are stored in; they are rounded to it before any code is chosen. */
  readonly scaleType: 'f32' | 'f16' | 'bf16';
}

/** A Linear's weight as codes: what formats write. Value of (r, c): see `CodeGrid` with `scales.group[c]`. */
export interface QuantizedWeight {
  readonly rows: number;
  readonly columns: number;
  readonly grid: Grid;
  /** Columns a group; `columns` for one group a row (per channel). */
  readonly groupSize: number;
  /** `[rows, columns]`, one code a byte. */
  readonly codes: Uint8Array;
  readonly scales: GroupScales;
}
