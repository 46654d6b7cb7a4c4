import type { CodeGrid, GroupScales, Matrix, ScaleType } from '@compress/kernels';

/**
 * How a group's scale (and zero point) is chosen.
 *
 * - `minmax`: the group's range, whole (absmax for symmetric and table grids).
 * - `mse`: of 40 shrunken ranges the one with the least squared error.
 * - `hessian`: the same search, each column's squared error weighed by the gram's diagonal, so that it needs calibration.
 * - `percentile`: the range of what is left when the grid's `percentile` cuts off the tails.
 */
export type ScaleRule = 'minmax' | 'mse' | 'percentile' | 'hessian';

export type { ScaleType } from '@compress/kernels';

/**
 * Scales that are quantized themselves.
 *
 * - `tensor`: E4M3 multiples of one f32 scale of the whole weight, chosen such that the largest of them is E4M3's largest number (NVFP4).
 * - `blocks`: 8-bit codes of their distance from their mean, in blocks of 256 with an f32 absmax each (bitsandbytes' double quantization).
 */
export type NestedRule = 'tensor' | 'blocks';

/** What {@link Grid.learn} sees of a weight. */
export interface LearnRequest {
  /** `[rows, columns]` */
  readonly weight: Matrix;
  /** From whole ranges; w / scale lies within plus and minus the grid's `reach`. */
  readonly scales: GroupScales;
  /** Weights that share a scale. */
  readonly groupSize: number;
  /** `[columns]`: what a squared error costs in each, with `scales: hessian` only. */
  readonly importance?: Float32Array | undefined;
}

/**
 * The representable numbers of a group and how scale and zero are chosen. Plain data but for `learn`: it goes into manifests as it is. Rounding (how a
 * code is reached: RTN, GPTQ, ...) is another matter and knows grids only through this.
 */
export interface Grid {
  /** `int4`, `int4-asym`, `nf4`, ...: what recipes and reports call it. */
  readonly name: string;
  /** Width of a code as it is packed. */
  readonly bits: number;
  /** What kernels quantize with; of a grid that learns its levels, an example with as many. */
  readonly codes: CodeGrid;
  /** Levels that depend on the weight or its group size: `fitGrid` calls it, and its result, which every row has a 0 in, replaces `codes`. */
  readonly learn?: (request: LearnRequest) => CodeGrid;
  /** Integer grids: codes are centred and there is no zero point to store. Always true of grids of levels. */
  readonly symmetric: boolean;
  readonly scales: ScaleRule;
  /** With `scales: percentile`, and only then: percent of a group's weights that the range covers on each side, 50..100. */
  readonly percentile?: number;
  /** The precision that scales are stored in; the values of codes are those of stored scales. */
  readonly scaleType: ScaleType;
  /** Grids of levels: what a group's absmax is mapped to, in units of the scale. Absent: the level of largest magnitude. */
  readonly reach?: number;
  /** Absent: scales are stored as they are. */
  readonly nested?: NestedRule;
  /** With `nested: tensor`: the largest magnitude of all weights that share its one scale. Absent: of the weight alone. */
  readonly absmax?: number;
}

/** How nested scales are stored; see {@link NestedRule}. A weight whose rows share one scale has one here too. */
export type NestedScales =
  | {
      readonly kind: 'tensor';
      /** A stored scale is a multiple of it. */
      readonly scale: number;
    }
  | {
      readonly kind: 'blocks';
      /** One for each block of weights, `[rows, groups]` where blocks lie within rows: indices of the map. */
      readonly codes: Uint8Array;
      /** The 256 numbers that codes mean. Absent: `DYNAMIC_MAP`, from which files of others differ by roundings. */
      readonly map?: Float32Array;
      /** One for each 256 codes. */
      readonly absmax: Float32Array;
      /** The mean. */
      readonly offset: number;
    };

/** Scales as consumers read them: `scales` are the f32 numbers that those stored in whatever way mean. */
export interface StoredScales extends GroupScales {
  /** With a grid that nests its scales. */
  readonly nested?: NestedScales;
}

/** A Linear's weight as codes: what formats write. Value of (r, c): see `CodeGrid` with `scales.group[c]`. */
export interface QuantizedWeight {
  readonly rows: number;
  readonly columns: number;
  /** As fitted: `codes` are those that were used, learned or not. */
  readonly grid: Grid;
  /** Columns a group; `columns` for one group a row (per channel), or where all rows share one scale (per tensor); of flattened blocks the
   * columns of a part that lies in one block. */
  readonly groupSize: number;
  /** `[rows, columns]`, one code a byte. */
  readonly codes: Uint8Array;
  readonly scales: StoredScales;
}
