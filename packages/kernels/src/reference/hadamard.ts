import { checkHadamard } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** By the definition of the matrix: element (i, j) of a Sylvester matrix is (-1)^(number of ones that i and j share in binary). */
export function hadamard(p: ParametersOf<'hadamard'>): void {
  checkHadamard(p);
  const { input, size, factor, output } = p;
  const inner = size / (factor?.rows ?? 1);
  const scale = 1 / Math.sqrt(size);
  const row = new Float64Array(size);
  for (let start = 0; start < input.data.length; start += size) {
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += element(i, j) * input.data[start + j];
      row[i] = sum * scale;
    }
    output.data.set(row, start);
  }

  function element(i: number, j: number): number {
    const outer = factor ? factor.data[Math.floor(i / inner) * factor.columns + Math.floor(j / inner)] : 1;
    return isOdd((i % inner) & (j % inner)) ? -outer : outer;
  }
}

/** Whether an odd number of bits is set. */
function isOdd(bits: number): boolean {
  let odd = false;
  for (let rest = bits; rest !== 0; rest &= rest - 1) odd = !odd;
  return odd;
}
