import type { CodeGrid, GroupScales } from './code-grid.ts';
import type { Int8Rows } from './int8-rows.ts';
import type { Matrix } from './matrix.ts';

/**
 * `fma` and `mul-add` are the two WASM builds; their results differ in the last bits, and nothing else does: not the number of
 * threads, not the tile shapes, not the version of Node. `reference` is the plain TypeScript.
 */
export type Numerics = 'fma' | 'mul-add' | 'reference';

/** How rotary pairs lie in a head: all models of this project rotate halves, (x[i], x[i + d/2]). */
export interface Rotary {
  /** `[positions, dimensions / 2]` */
  readonly cos: Matrix;
  /** `[positions, dimensions / 2]` */
  readonly sin: Matrix;
  /** How many leading dimensions of a head are rotated (all, or a part as in GPT-NeoX). */
  readonly dimensions: number;
}

/**
 * The precision of stored scales: round half to even, except that `e8m0`, powers of two from 2^-126 to 2^127 (OCP Microscaling Formats 1.0), takes
 * the first that is larger. `e4m3` (OCP 8-bit floats) goes from 2^-9 to 448. No scale is rounded to 0 or to infinity.
 */
export type ScaleType = 'f32' | 'f16' | 'bf16' | 'e4m3' | 'e8m0';

/** The strategy by which scales are chosen for a group: see {@link Kernels.fitScales}. */
export interface ScaleFit {
  readonly grid: CodeGrid;
  /**
   * Codes are centred: zero = (maxCode + 1) / 2 and scale = 2 absmax / maxCode; maxCode is odd. Ignored by grids of
   * levels, whose scale is absmax over `reach`.
   */
  readonly symmetric: boolean;
  /**
   * Steps of the search (0: plain min-max). Step i of n shrinks the range by 1 - 0.8 i / n; an asymmetric step also tries zero +- 1, if a code;
   * a strict improvement of sum_j importance[j] (w_j - q_j)^2 replaces the choice.
   */
  readonly steps: number;
  /** `[columns]`: the weight of each column's squared error in the search; absent: all 1. */
  readonly importance?: Float32Array;
  /** The precision in which scales are stored: they are rounded to it before any code is chosen, and stay positive and finite. */
  readonly scaleType: ScaleType;
  /** Scales are stored as multiples of it: it is their unit before they are rounded, as the scale of a whole tensor is in NVFP4. Absent: 1. */
  readonly scaleUnit?: number;
  /** Grids of levels: what a group's absmax is mapped to, in units of the scale. Absent: the largest magnitude of all levels. */
  readonly reach?: number;
}

/**
 * What became of keys and values in a cache that rounds older ones. Query t of its sequence sees the first `keyCounts[t]` keys and the
 * first `valueCounts[t]` values of the sequence as they are here, and all later ones as they were: what a decoder sees that goes token by token.
 */
export interface AgedEntries {
  /** As the keys of the attention. */
  readonly keys: Matrix;
  /** As its values. */
  readonly values: Matrix;
  /** `[length]`, never falling. */
  readonly keyCounts: Uint32Array;
  /** `[length]`, never falling. */
  readonly valueCounts: Uint32Array;
}

/**
 * The numeric room: every operation that costs time. Each output element is reduced in one fixed order and work is divided over
 * rows or heads only, so results are the same bits for every number of threads.
 *
 * Arrays made by {@link float32}, {@link uint8} and {@link matrix} are shared with the workers; any other array is accepted too and
 * is copied on the way. Shapes are checked: a mismatch throws a `RangeError` that names the operand. Outputs never overlap inputs
 * unless an operation says so.
 */
export interface Kernels {
  readonly numerics: Numerics;
  readonly threads: number;

  /** Zeroed, shared among the threads when there is more than one. */
  float32(length: number): Float32Array;
  /** Like {@link float32}. */
  uint8(length: number): Uint8Array;
  /** Like {@link float32}. */
  matrix(rows: number, columns: number): Matrix;
  /** A matrix for an operation to write whole: what it holds until then is not said. */
  scratch(rows: number, columns: number): Matrix;

  /** output[T,N] (+)= input[T,K] weight[N,K]^T (+ bias[N]): a Linear as checkpoints store it. */
  linear(p: {
    input: Matrix;
    weight: Matrix;
    bias?: Float32Array;
    output: Matrix;
    accumulate?: boolean;
  }): Promise<void>;
  /** {@link linear} of one input by several weights: the input is read once. */
  linears(p: {
    input: Matrix;
    linears: readonly { weight: Matrix; bias?: Float32Array; output: Matrix }[];
    accumulate?: boolean;
  }): Promise<void>;
  /**
   * output[T,N] = input[T,K] weight[N,K]^T (+ bias[N]) of int8: sums of codes are exact in i32, hence K <= 131071, then converted to f32, multiplied by
   * the product of both scales, and the bias added, each rounded.
   */
  linearInt8(p: { input: Int8Rows; weight: Int8Rows; bias?: Float32Array; output: Matrix }): Promise<void>;
  /** output[M,N] (+)= left[M,K] right[K,N]; with `negate`, -left. */
  multiply(p: { left: Matrix; right: Matrix; output: Matrix; accumulate?: boolean; negate?: boolean }): Promise<void>;
  /** Lower triangle of output[K,K] += input[T,K]^T input[T,K] (syrk). The upper triangle is left alone: see {@link symmetrize}. */
  gram(p: { input: Matrix; output: Matrix }): Promise<void>;
  /** Copies the lower triangle onto the upper one, in place. */
  symmetrize(matrix: Matrix): Promise<void>;
  /** Blocked Cholesky in place: the lower triangle of a symmetric matrix becomes L with L L^T = matrix, the upper becomes 0. Returns 0, or 1 + the index of the first pivot that is not positive. */
  cholesky(matrix: Matrix): Promise<number>;
  /** In place: a lower triangular matrix becomes its inverse. */
  invertLower(matrix: Matrix): Promise<void>;
  /**
   * The factor U that GPTQ and SparseGPT sweep with: H^-1 = U^T U, U upper triangular, by Cholesky of the reversed H and one
   * triangular inverse. `hessian` is symmetric and is not changed. Returns 0, or 1 + the index of the column that was not positive.
   */
  inverseFactor(p: { hessian: Matrix; output: Matrix }): Promise<number>;

  /**
   * One sweep over columns [from, to) of `weight` [R,n] in the order in which they lie: q = the grid's nearest to w (0 where `mask` is
   * 1; w itself without a grid), e = (w - q) / U_cc, later columns w_j -= e U_cj, in blocks of `blockSize`. On return columns
   * [from, to) of `weight` hold q, later ones are compensated, `codes` are written, and loss[r] has grown by sum e^2.
   */
  sweep(p: {
    weight: Matrix;
    factor: Matrix;
    from: number;
    to: number;
    blockSize: number;
    grid?: CodeGrid;
    scales?: GroupScales;
    /** `[R, n]`, 1 where a weight is pruned. */
    mask?: Uint8Array;
    /** `[R, n]`, written where there is a grid. */
    codes?: Uint8Array;
    /** `[R]` */
    loss: Float64Array;
  }): Promise<void>;

  /**
   * Coordinate descent on tr((Q - W) H (Q - W)^T) over codes, one pass over all columns; `quantized` [R,n] and `codes` are changed in
   * place, and the loss of no row grows. `mask` as in {@link sweep}.
   */
  descend(p: {
    weight: Matrix;
    hessian: Matrix;
    grid: CodeGrid;
    scales: GroupScales;
    quantized: Matrix;
    codes: Uint8Array;
    mask?: Uint8Array;
  }): Promise<void>;

  /** Scale and zero of each (row, group) of `weight`. Groups of constant zeros get scale 1. Writes `scales.scales` and `scales.zeros`. */
  fitScales(p: { weight: Matrix; fit: ScaleFit; scales: GroupScales }): Promise<void>;
  /** Nearest codes of `weight` on the grid; `codes` is `[R, n]`. */
  quantize(p: { weight: Matrix; grid: CodeGrid; scales: GroupScales; codes: Uint8Array }): Promise<void>;
  /** The values of `codes`. */
  dequantize(p: { codes: Uint8Array; grid: CodeGrid; scales: GroupScales; output: Matrix }): Promise<void>;
  /** tr((A - B) H (A - B)^T) by rows, in f64: `[R]`. */
  weightedError(p: { left: Matrix; right: Matrix; hessian: Matrix }): Promise<Float64Array>;
  /**
   * tr((A - Q) H (A - Q)^T) by rows, in f64: `[R]`. Q is what rounding to nearest makes of `rounded`, `[R, n]`, with codes chosen by `scales` and values by
   * those that are `stored`, and with `divisors`, `[n]`, each column divided by its own. `hessian` is symmetric; the triangle above its diagonal may not be read.
   * With `parts`, of each of so many equal parts of the columns by itself: `[R, parts]`.
   */
  roundingError(p: {
    weight: Matrix;
    rounded: Matrix;
    divisors?: Float32Array;
    grid: CodeGrid;
    scales: GroupScales;
    stored: GroupScales;
    hessian: Matrix;
    parts?: number;
  }): Promise<Float64Array>;

  /** output = input / sqrt(mean(input^2) + epsilon) * gain, by rows; `unitOffset`: gain + 1 (Gemma). */
  rmsNorm(p: {
    input: Matrix;
    gain: Float32Array;
    epsilon: number;
    unitOffset?: boolean;
    output: Matrix;
  }): Promise<void>;
  /** output = (input - mean(input)) / sqrt(variance(input) + epsilon) * gain (+ bias), by rows. */
  layerNorm(p: {
    input: Matrix;
    gain: Float32Array;
    bias?: Float32Array;
    epsilon: number;
    output: Matrix;
  }): Promise<void>;
  /** Rotates, in place, the heads of `values` [sequences * length, heads * headDimension]; row r has position r mod length + offset. */
  rotate(p: { values: Matrix; heads: number; length: number; offset?: number; rotary: Rotary }): Promise<void>;
  /**
   * output = input H^T by rows and blocks of `size` columns, H orthonormal of that size: (factor (x) S) / sqrt(size), with S the Sylvester matrix
   * of order size / factor.rows, a power of two, and `factor` a Hadamard matrix of +-1 (absent: of order 1). `output` may be `input`.
   */
  hadamard(p: { input: Matrix; size: number; factor?: Matrix; output: Matrix }): Promise<void>;
  /**
   * Causal softmax attention over `sequences` of `length` rows each: queries [S*L, H*d], keys and values [S*L, Hkv*d], output
   * [S*L, H*d]; head h reads key head floor(h Hkv / H). With `window`, a query sees itself and the window - 1 keys before it. Tiled:
   * no L x L matrix is ever made. NaN and infinities in a row of `values` reach every query that sees it, and may reach the 15 queries
   * before it. With `offset`, keys and values have so many rows more in front of each sequence, which all its queries see: they are
   * [S*(offset+L), Hkv*d], and query row r has position r mod L + offset. With `aged`, a query sees older keys and values as they are there: see {@link AgedEntries}.
   */
  attention(p: {
    queries: Matrix;
    keys: Matrix;
    values: Matrix;
    heads: number;
    keyHeads: number;
    length: number;
    offset?: number;
    scale: number;
    window?: number;
    aged?: AgedEntries;
    output: Matrix;
  }): Promise<void>;
  /**
   * Symmetric rounding as a model of `bits` (2..8) does it to activations: output = code * scale, code = roundHalfEven(x / scale) within +-m,
   * m = 2^(bits-1) - 1. `scale` is that of all rows, or `token`: max(absmax / m, 2^-126) of each row. `output` may be `input`. NaN stays NaN.
   */
  fakeQuantize(p: { input: Matrix; bits: number; scale: 'token' | number; output: Matrix }): Promise<void>;
  /** The codes and scales of {@link fakeQuantize}; expects finite numbers. */
  quantizeInt8(p: { input: Matrix; bits: number; scale: 'token' | number; output: Int8Rows }): Promise<void>;
  /** output = activation(gate) * up; without `up`, activation(gate). `output` may be `gate`. gelu is exact (erf), gelu-tanh the tanh form. */
  activate(p: {
    gate: Matrix;
    up?: Matrix;
    activation: 'silu' | 'gelu' | 'gelu-tanh' | 'relu';
    output: Matrix;
  }): Promise<void>;
  /** target += source * factor, elementwise; factor 1 unless given. */
  add(p: { source: Matrix; target: Matrix; factor?: number }): Promise<void>;
  /** output = input with column c multiplied by `factors[c]`. `output` may be `input`. */
  scaleColumns(p: { input: Matrix; factors: Float32Array; output: Matrix }): Promise<void>;
  /** For each row of `logits` [T, V]: `log softmax(logits)[picked]`, in f64 accumulation. Returns `[T]`. */
  logSoftmaxPick(p: { logits: Matrix; picked: Uint32Array }): Promise<Float64Array>;

  /** Little-endian 16-bit floats to f32. */
  decode(p: { bytes: Uint8Array; type: 'f16' | 'bf16'; output: Float32Array }): Promise<void>;
  /** f32 to 16-bit floats, round half to even; values beyond f16's range become infinities. */
  encode(p: { values: Float32Array; type: 'f16' | 'bf16'; output: Uint8Array }): Promise<void>;
  /** Codes of `bits` each, LSB first, as one little-endian bit stream a row, each row padded to whole 32-bit words. */
  pack(p: { codes: Uint8Array; rows: number; columns: number; bits: number; output: Uint8Array }): Promise<void>;
  /** The inverse of {@link pack}. */
  unpack(p: { bytes: Uint8Array; rows: number; columns: number; bits: number; codes: Uint8Array }): Promise<void>;

  /** Ends the workers. Idempotent. */
  close(): Promise<void>;
}
