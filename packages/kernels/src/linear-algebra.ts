import type { Kernels } from './kernels.ts';
import type { Pool } from './pool/pool.ts';

type LinearAlgebra = Pick<Kernels, 'linear' | 'multiply' | 'gram'>;

/** The dense linear algebra of {@link Kernels} on a pool. */
export function linearAlgebra(pool: Pool): LinearAlgebra {
  return {
    linear: (p) => pool.run('linear', p),
    multiply: (p) => pool.run('multiply', p),
    gram: (p) => pool.run('gram', p),
  };
}
