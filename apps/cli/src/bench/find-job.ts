import { CompressError, differences } from '@compress/core';
import { type Job, type Numerics, nameOfCell } from './cell.ts';
import { expandMatrix } from './expand-matrix.ts';
import type { Matrix } from './matrix.ts';

/**
 * A job that another process handed out, as this one sees its matrix, model and texts. Throws `CompressError` `inputs-differ` where they are
 * not the same: the cell would have another key.
 */
export async function findJob(
  matrix: Matrix,
  wanted: Job,
  settings: { readonly numerics: Numerics; note(text: string): void },
): Promise<Job> {
  const { model, pipeline } = wanted;
  const found = (await expandMatrix(matrix, { ...settings, only: { model, pipeline } }))[0];
  for (const cell of wanted.cells) {
    const here = found?.cells.find(({ evaluation }) => evaluation === cell.evaluation);
    if (here?.key === cell.key) continue;
    const what = here === undefined ? 'it is not in the matrix here' : differences(cell.inputs, here.inputs).join('; ');
    throw new CompressError(
      'inputs-differ',
      `${nameOfCell(cell)} cannot be done here, since what it is made of is not what it was when it was handed out: ${what}.`,
      { file: matrix.file },
    );
  }
  return wanted;
}
