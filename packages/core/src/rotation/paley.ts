import { type QuadraticCharacter, quadraticCharacter } from './quadratic-character.ts';

/** A Hadamard matrix of order q + 1, q = 3 mod 4 a prime power, as rows of +-1; undefined for any other order (Paley, 1933, construction I). */
export function paleyFirst(order: number): Int8Array | undefined {
  const q = order - 1;
  const character = q % 4 === 3 ? quadraticCharacter(q) : undefined;
  if (!character) return undefined;
  const matrix = bordered(q, character, -1);
  for (let i = 0; i < order; i++) matrix[i * order + i] = 1;
  return matrix;
}

/** A Hadamard matrix of order 2 (q + 1), q = 1 mod 4 a prime power; undefined for any other order (construction II). */
export function paleySecond(order: number): Int8Array | undefined {
  const q = order / 2 - 1;
  const character = q % 4 === 1 ? quadraticCharacter(q) : undefined;
  if (!character) return undefined;
  const conference = bordered(q, character, 1);
  const half = q + 1;
  const matrix = new Int8Array(order * order);
  for (let i = 0; i < half; i++)
    for (let j = 0; j < half; j++) {
      const [a, b, c, d] = i === j ? [1, -1, -1, -1] : [1, 1, 1, -1].map((sign) => sign * conference[i * half + j]);
      matrix.set([a, b], 2 * i * order + 2 * j);
      matrix.set([c, d], (2 * i + 1) * order + 2 * j);
    }
  return matrix;
}

/** [[0, 1], [left, chi(i - j)]], of order q + 1. */
function bordered(q: number, { of, subtract }: QuadraticCharacter, left: number): Int8Array {
  const order = q + 1;
  const matrix = new Int8Array(order * order);
  matrix.fill(1, 1, order);
  for (let i = 0; i < q; i++) {
    const row = (i + 1) * order;
    matrix[row] = left;
    for (let j = 0; j < q; j++) matrix[row + 1 + j] = of[subtract(i, j)];
  }
  return matrix;
}
