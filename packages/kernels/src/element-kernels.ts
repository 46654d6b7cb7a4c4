import type { Pool } from './pool/pool.ts';

/** The kernels of a forward pass and of grids, on a pool. */
export function elementKernels(_pool: Pool) {
  return {};
}
