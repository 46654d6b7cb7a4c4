import { hadamardCore, randomStream } from '@compress/core';
import { fastHadamard } from './fast-hadamard.ts';
import { orthogonalMatrix } from './orthogonal-matrix.ts';

/** An orthogonal matrix Q of one size. */
export interface Rotation {
  readonly size: number;
  /** x becomes Q x, in f64 and in place. */
  rotate(vector: Float64Array): void;
}

/** A block of fewer channels mixes so little that a dense random matrix does more. */
const LEAST_BLOCK = 32;

/** The largest order that divides `size` and has a Hadamard matrix here: `size` itself where it has one, at least 1. */
export function largestOrder(size: number): number {
  let parts = 1;
  while (size % parts !== 0 || !hadamardCore(size / parts)) parts++;
  return size / parts;
}

/** What a Hadamard rotation of a size is made of: one matrix, blocks along the diagonal, or, where even these are tiny, a random orthogonal one. */
export function hadamardKind(size: number): 'hadamard' | 'blocks' | 'orthogonal' {
  const order = largestOrder(size);
  if (order === size) return 'hadamard';
  return order >= LEAST_BLOCK ? 'blocks' : 'orthogonal';
}

/**
 * H D, random signs and then a Hadamard matrix (QuaRot's R1), by {@link hadamardKind}; without a seed, H alone. Where there must be a random
 * orthogonal matrix it comes from the seed, or from 0.
 */
export function hadamardRotation(size: number, seed?: number): Rotation {
  if (hadamardKind(size) === 'orthogonal') return orthogonalRotation(size, seed ?? 0);
  const order = largestOrder(size);
  const signs = new Float64Array(size).fill(1);
  if (seed !== undefined) {
    const random = randomStream(seed, 'hadamard signs', size);
    for (let i = 0; i < size; i++) signs[i] = random.integer(2) === 0 ? 1 : -1;
  }
  return {
    size,
    rotate(vector) {
      for (let i = 0; i < size; i++) vector[i] *= signs[i];
      fastHadamard(vector, order);
    },
  };
}

/** A random orthogonal matrix (QuIP): for comparison, and for sizes without a Hadamard matrix. */
export function orthogonalRotation(size: number, seed: number): Rotation {
  const matrix = orthogonalMatrix(size, randomStream(seed, 'orthogonal', size));
  const before = new Float64Array(size);
  return {
    size,
    rotate(vector) {
      before.set(vector);
      for (let i = 0; i < size; i++) {
        let sum = 0;
        for (let j = 0, at = i * size; j < size; j++, at++) sum += matrix[at] * before[j];
        vector[i] = sum;
      }
    },
  };
}
