import type { Matrix } from '@compress/kernels';
import type { Rotation } from './rotation.ts';

/** Folding: f64 arithmetic, rounded to f32 once. All change their arguments in place. */

/** Every row becomes Q (gain * row), run by run of Q's size: rows of a Linear that reads a rotated activation, of an embedding that is added to one. */
export function rotateRows({ data }: Pick<Matrix, 'data'>, rotation: Rotation, gain?: Float64Array): void {
  const { size } = rotation;
  const run = new Float64Array(size);
  for (let start = 0; start < data.length; start += size) {
    for (let i = 0; i < size; i++) run[i] = data[start + i] * (gain ? gain[i] : 1);
    rotation.rotate(run);
    data.set(run, start);
  }
}

/** The rows picked become Q times these rows: those of a Linear whose outputs are to be rotated; `bias` with them. */
export function rotateOutputs(
  { weight, bias }: { readonly weight: Matrix; readonly bias?: Float32Array },
  rotation: Rotation,
  rows: ArrayLike<number> = Array.from({ length: rotation.size }, (_, row) => row),
): void {
  const run = new Float64Array(rotation.size);
  for (let c = 0; c < weight.columns; c++) rotatePicked(weight.data, weight.columns, c);
  if (bias) rotatePicked(bias, 1, 0);

  function rotatePicked(data: Float32Array, stride: number, offset: number): void {
    for (let i = 0; i < run.length; i++) run[i] = data[rows[i] * stride + offset];
    rotation.rotate(run);
    for (let i = 0; i < run.length; i++) data[rows[i] * stride + offset] = run[i];
  }
}
