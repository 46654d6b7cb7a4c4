import type { Kernels, Matrix } from '@compress/kernels';

/**
 * Moves the kept weights of each row towards the least loss that its mask allows, by conjugate gradients on the quadratic
 * (w - x) H (w - x)^T, preconditioned by the diagonal of H. In exact arithmetic no step raises the loss of any row.
 */
export async function refitKept(request: {
  /** `[R, n]`: the dense weights. */
  readonly weight: Matrix;
  /** `[R, n]`: where the search starts, 0 where `mask` is 1. Changed in place. */
  readonly values: Matrix;
  /** `[R, n]`, 1 where a weight is pruned. */
  readonly mask: Uint8Array;
  /** `[n, n]`, symmetric and positive definite. */
  readonly hessian: Matrix;
  readonly steps: number;
  readonly kernels: Kernels;
}): Promise<void> {
  const { weight, values, mask, hessian, kernels } = request;
  const { rows, columns: n } = weight;
  const residual = kernels.matrix(rows, n);
  const direction = kernels.matrix(rows, n);
  const product = kernels.matrix(rows, n);
  const inverseDiagonal = Float64Array.from({ length: n }, (_, c) => 1 / hessian.data[c * n + c]);
  for (let i = 0; i < values.data.length; i++) direction.data[i] = weight.data[i] - values.data[i];
  await kernels.multiply({ left: direction, right: hessian, output: residual });
  direction.data.fill(0);
  const strengths = new Float64Array(rows);
  for (let step = 0; step < request.steps; step++) {
    for (let r = 0; r < rows; r++) strengths[r] = turn(r, strengths[r]);
    await kernels.multiply({ left: direction, right: hessian, output: product });
    for (let r = 0; r < rows; r++) advance(r, strengths[r]);
  }

  /** The row's next direction, conjugate to the last. Returns r D^-1 r^T, the strength of its residual. */
  function turn(r: number, last: number): number {
    let strength = 0;
    for (let c = 0, i = r * n; c < n; c++, i++) {
      if (mask[i] !== 0) residual.data[i] = 0;
      strength += residual.data[i] ** 2 * inverseDiagonal[c];
    }
    const share = last > 0 ? strength / last : 0;
    for (let c = 0, i = r * n; c < n; c++, i++)
      direction.data[i] = residual.data[i] * inverseDiagonal[c] + share * direction.data[i];
    return strength;
  }

  function advance(r: number, strength: number): void {
    let curvature = 0;
    for (let i = r * n; i < (r + 1) * n; i++) curvature += direction.data[i] * product.data[i];
    if (!(curvature > 0)) return;
    const length = strength / curvature;
    for (let i = r * n; i < (r + 1) * n; i++) {
      values.data[i] += length * direction.data[i];
      residual.data[i] -= length * product.data[i];
    }
  }
}
