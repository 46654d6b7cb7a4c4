import type { Kernels, Matrix } from '@compress/kernels';
import { CompressError } from '../errors.ts';
import { requireFinite } from '../grid/require-finite.ts';
import { byFallingDiagonal } from './permute-columns.ts';

/** What every Linear of a site shares: they have one Hessian. */
export interface Factorization {
  /** Place c of the sweep is column permutation[c]. */
  readonly permutation: Uint32Array;
  /** U in places of the sweep, `[in, in]` upper triangular, H^-1 = U^T U for the damped Hessian H. */
  readonly factor: Matrix;
  /** `[in]` by columns: what was added to the gram's diagonal. */
  readonly added: Float64Array;
  /** Share of the diagonal's mean that was added in the end. */
  readonly damping: number;
  /** Columns whose input was 0 for every token. */
  readonly deadColumns: readonly number[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** The first raise of a damping of 0, and the last raise of all. */
const SMALLEST_RAISE = 0.0025;
const LARGEST_DAMPING = 1;

/**
 * Orders, damps and inverts a gram for the sweep (Frantar et al., 2022, section 3.3) of GPTQ and SparseGPT. A column whose input was always
 * 0 has no say: its diagonal becomes the mean, so that it neither gives nor takes error. (The papers' code sets its weights to 0
 * instead; a channel that was silent in calibration may speak later.)
 *
 * Throws `CompressError`: `gram-not-finite`, `gram-not-positive`.
 */
export async function factorizeGram(request: {
  /** `[in, in]`, symmetric: the sum of x^T x over tokens, times any constant. It is not changed. */
  readonly gram: Matrix;
  /** Sweep by falling diagonal instead of as columns lie. */
  readonly strongestFirst: boolean;
  /** Share of the diagonal's mean that is added to it; where it does not suffice it is doubled, up to 1. */
  readonly damping: number;
  /** For errors. */
  readonly layer?: string | undefined;
  readonly kernels: Kernels;
}): Promise<Factorization> {
  const { gram, strongestFirst, layer, kernels } = request;
  const n = gram.columns;
  requireFinite('gram', gram, { layer });
  const permutation = strongestFirst ? byFallingDiagonal(gram) : Uint32Array.from({ length: n }, (_, c) => c);

  const diagonal = Float64Array.from({ length: n }, (_, c) => gram.data[c * n + c]);
  const deadColumns = [...diagonal.keys()].filter((c) => diagonal[c] === 0);
  const alive = n - deadColumns.length;
  const mean = alive === 0 ? 1 : diagonal.reduce((sum, value) => sum + value, 0) / alive;

  const hessian = kernels.matrix(n, n);
  for (let r = 0; r < n; r++)
    for (let c = 0; c < n; c++) hessian.data[r * n + c] = gram.data[permutation[r] * n + permutation[c]];

  const warnings = deadColumns.length > 0 ? [describeDead(deadColumns.length, n)] : [];
  const factor = kernels.matrix(n, n);
  for (let damping = request.damping; ; damping = Math.min(Math.max(2 * damping, SMALLEST_RAISE), LARGEST_DAMPING)) {
    const added = diagonal.map((value) => damping * mean + (value === 0 ? mean : 0));
    for (let r = 0; r < n; r++) hessian.data[r * n + r] = diagonal[permutation[r]] + added[permutation[r]];
    if (damping !== request.damping) warnings.push(describeRaise(damping));
    const failed = await kernels.inverseFactor({ hessian, output: factor });
    if (failed === 0) return { permutation, factor, added, damping, deadColumns, warnings };
    if (damping >= LARGEST_DAMPING)
      throw new CompressError(
        'gram-not-positive',
        `The Hessian is not positive definite at column ${permutation[failed - 1]} even with damping ${damping}; calibrate with more and other tokens.`,
        layer === undefined ? {} : { layer },
      );
  }
}

function describeDead(dead: number, columns: number) {
  return {
    code: 'dead-columns',
    message: `${dead} of ${columns} input channels were 0 for every calibration token; their weights make good no errors.`,
  };
}

function describeRaise(damping: number) {
  return {
    code: 'damping-raised',
    message: `The damped Hessian was not positive definite; the damping was raised to ${Number(damping.toPrecision(3))}.`,
  };
}
