import { checkRotate } from '../check-shapes/check-decoder.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';

/** Su et al., 2021, in the layout of rotated halves: (a, b) becomes (a cos - b sin, b cos + a sin) with a = x[i], b = x[i + d/2]. */
export function rotate(p: ParametersOf<'rotate'>): void {
  checkRotate(p);
  const { values, heads, length, offset = 0, rotary } = p;
  const headDimension = values.columns / heads;
  const half = rotary.dimensions / 2;
  for (let r = 0; r < values.rows; r++) {
    const position = (r % length) + offset;
    for (let h = 0; h < heads; h++) {
      const start = r * values.columns + h * headDimension;
      for (let i = 0; i < half; i++) {
        const a = values.data[start + i];
        const b = values.data[start + i + half];
        const cos = rotary.cos.data[position * half + i];
        const sin = rotary.sin.data[position * half + i];
        values.data[start + i] = a * cos - b * sin;
        values.data[start + i + half] = b * cos + a * sin;
      }
    }
  }
}
