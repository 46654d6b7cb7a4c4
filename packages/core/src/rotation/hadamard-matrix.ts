import type { Matrix } from '@compress/kernels';
import { fourCirculants } from './four-circulants.ts';
import { paleyFirst, paleySecond } from './paley.ts';

const known = new Map<number, Matrix | undefined>();

/**
 * A Hadamard matrix: rows of +-1, H H^T = order I. By Paley's two constructions, by four circulants, or as a Kronecker product with Sylvester's
 * matrices of powers of two; undefined where none of them has the order (and for every order above 2 that 4 does not divide, of which there is none).
 */
export function hadamardMatrix(order: number): Matrix | undefined {
  const core = hadamardCore(order);
  return core && doubled(core, order);
}

/**
 * The Hadamard matrix of smallest order K such that `order` is K times a power of two, so that K (x) Sylvester is one of `order`: the `factor` of
 * `Kernels.hadamard`, of order 1 for powers of two. Undefined where {@link hadamardMatrix} is.
 */
export function hadamardCore(order: number): Matrix | undefined {
  if (!Number.isInteger(order) || order < 1) return undefined;
  let odd = order;
  while (odd % 2 === 0) odd /= 2;
  for (let size = odd; size <= order; size *= 2) {
    const matrix = direct(size);
    if (matrix) return matrix;
  }
  return undefined;
}

function direct(order: number): Matrix | undefined {
  if (!known.has(order)) {
    const signs = order === 1 ? Int8Array.of(1) : (paleyFirst(order) ?? paleySecond(order) ?? fourCirculants(order));
    known.set(order, signs && { rows: order, columns: order, data: Float32Array.from(signs) });
  }
  return known.get(order);
}

/** core (x) Sylvester: the inner, fast index is Sylvester's, as in `Kernels.hadamard`. */
function doubled(core: Matrix, order: number): Matrix {
  const inner = order / core.rows;
  const data = new Float32Array(order * order);
  for (let i = 0; i < order; i++)
    for (let j = 0; j < order; j++) {
      const sign = core.data[Math.floor(i / inner) * core.columns + Math.floor(j / inner)];
      data[i * order + j] = isOdd((i % inner) & (j % inner)) ? -sign : sign;
    }
  return { rows: order, columns: order, data };
}

/** Whether an odd number of bits is set. */
function isOdd(bits: number): boolean {
  let odd = false;
  for (let rest = bits; rest !== 0; rest &= rest - 1) odd = !odd;
  return odd;
}
