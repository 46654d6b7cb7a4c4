import { checkSquare } from './check-shapes/check-operand.ts';
import type { ParametersOf } from './check-shapes/parameters-of.ts';
import { cholesky, inverseFactor, invertLower } from './inverse-factor.ts';
import type { Kernels } from './kernels.ts';
import { dividesTokens } from './operations/linears.ts';
import type { Pool } from './pool/pool.ts';

type LinearAlgebra = Pick<
  Kernels,
  | 'linear'
  | 'linears'
  | 'linearInt8'
  | 'multiply'
  | 'gram'
  | 'symmetrize'
  | 'cholesky'
  | 'invertLower'
  | 'inverseFactor'
  | 'sweep'
  | 'descend'
  | 'weightedError'
  | 'roundingError'
>;

/** The dense linear algebra of {@link Kernels} on a pool. */
export function linearAlgebra(pool: Pool): LinearAlgebra {
  return {
    linear: ({ input, weight, bias, output, accumulate }) =>
      linears(pool, { input, linears: [{ weight, ...(bias && { bias }), output }], ...(accumulate && { accumulate }) }),
    linears: (p) => linears(pool, p),
    linearInt8: (p) => pool.run('linearInt8', p),
    multiply: (p) => pool.run('multiply', p),
    gram: (p) => pool.run('gram', p),
    async symmetrize(matrix) {
      checkSquare('matrix', matrix);
      await pool.run('mirror', { matrix, mode: 'symmetrize' });
    },
    cholesky: (matrix) => cholesky(pool, matrix),
    invertLower: (matrix) => invertLower(pool, matrix),
    inverseFactor: (p) => inverseFactor(pool, p),
    sweep: (p) => pool.run('sweep', p),
    descend: (p) => pool.run('descend', p),
    async weightedError(p) {
      const errors = new Float64Array(p.left.rows);
      await pool.run('weightedError', { ...p, errors });
      return errors;
    },
    async roundingError(p) {
      const errors = new Float64Array(p.weight.rows * (p.parts ?? 1));
      await pool.run('roundingError', { ...p, errors });
      return errors;
    },
  };
}

async function linears(pool: Pool, p: ParametersOf<'linears'>): Promise<void> {
  if (dividesTokens(p)) return pool.run('linears', p);
  const { linears, ...shared } = p;
  for (const own of linears) await pool.run('linear', { ...shared, ...own });
}
