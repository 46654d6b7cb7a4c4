import { checkSquare } from './check-shapes/check-operand.ts';
import { checkInverseFactor } from './check-shapes/check-second-order.ts';
import type { ParametersOf } from './check-shapes/parameters-of.ts';
import type { Matrix } from './matrix.ts';
import { BLOCK_COLUMN } from './operations/cholesky-diagonal.ts';
import type { Pool } from './pool/pool.ts';

/** `Kernels.cholesky`: left-looking by block columns; the rows below a diagonal block are divided over the threads. */
export async function cholesky(pool: Pool, original: Matrix): Promise<number> {
  checkSquare('matrix', original);
  return pool.shared(original, async (matrix) => {
    const size = matrix.rows;
    const status = new Uint32Array(1);
    for (let start = 0; start < size; start += BLOCK_COLUMN) {
      const column = { matrix, start, width: Math.min(BLOCK_COLUMN, size - start), status };
      await pool.run('choleskyDiagonal', column);
      if (status[0] !== 0) return status[0];
      await pool.run('choleskyPanel', column);
    }
    for (let row = 0; row < size; row++) matrix.data.fill(0, row * size + row + 1, (row + 1) * size);
    return 0;
  });
}

/** `Kernels.invertLower` */
export async function invertLower(pool: Pool, original: Matrix): Promise<void> {
  checkSquare('matrix', original);
  await pool.shared(original, async (matrix) => {
    await pool.run('invertColumns', { matrix });
    await pool.run('mirror', { matrix, mode: 'inverse' });
  });
}

/**
 * `Kernels.inverseFactor`. With P the reversal of the order of columns, P H P = L L^T gives H^-1 = (P L^-1 P)^T (P L^-1 P), and P L^-1 P is
 * upper triangular: no inverse of H is ever formed. Reversing rows and columns reverses the whole buffer.
 */
export async function inverseFactor(pool: Pool, p: ParametersOf<'inverseFactor'>): Promise<number> {
  checkInverseFactor(p);
  return pool.shared(p.output, async (matrix) => {
    matrix.data.set(p.hessian.data);
    matrix.data.reverse();
    const failed = await cholesky(pool, matrix);
    if (failed !== 0) return matrix.rows + 1 - failed;
    await invertLower(pool, matrix);
    matrix.data.reverse();
    return 0;
  });
}
