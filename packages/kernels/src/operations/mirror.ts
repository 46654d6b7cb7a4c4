import type { Matrix } from '../matrix.ts';
import type { Operation } from './operation.ts';

/** Side of the square blocks in which a triangle is mirrored: both blocks of a pair stay in a first-level cache. */
const BLOCK = 32;

export interface Mirror {
  readonly matrix: Matrix;
  /**
   * `symmetrize`: the upper triangle becomes the lower one's transpose. `inverse`: the lower becomes the upper's transpose, the upper
   * becomes 0 and the diagonal 1 / diagonal, which finishes what `invert-columns.ts` left.
   */
  readonly mode: 'symmetrize' | 'inverse';
}

/** Copies one triangle of a square matrix onto the other. A unit is a block row of the lower triangle with its mirror image. */
export const mirror: Operation<Mirror> = {
  check() {},
  units: ({ matrix }) => Math.ceil(matrix.rows / BLOCK),
  schedule: 'dynamic',
  work: ({ matrix }) => matrix.rows ** 2,
  writes: ({ matrix }) => [matrix.data],
  run(_instance, { matrix, mode }, from, to) {
    const size = matrix.rows;
    for (let row = from * BLOCK; row < Math.min(size, to * BLOCK); row += BLOCK) {
      for (let column = 0; column <= row; column += BLOCK) {
        if (mode === 'symmetrize') copyUp(matrix.data, size, row, column);
        else moveDown(matrix.data, size, row, column);
      }
    }
  },
};

function copyUp(data: Float32Array, size: number, row: number, column: number): void {
  for (let i = row; i < Math.min(size, row + BLOCK); i++) {
    for (let j = column; j < Math.min(i, column + BLOCK); j++) data[j * size + i] = data[i * size + j];
  }
}

function moveDown(data: Float32Array, size: number, row: number, column: number): void {
  for (let i = row; i < Math.min(size, row + BLOCK); i++) {
    for (let j = column; j < Math.min(i, column + BLOCK); j++) {
      data[i * size + j] = data[j * size + i];
      data[j * size + i] = 0;
    }
    if (row === column) data[i * size + i] = 1 / data[i * size + i];
  }
}
