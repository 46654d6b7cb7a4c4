import type { Matrix } from '@compress/kernels';
import { E4M3 } from './round-to-float.ts';

/** Exponents of the steps between neighbouring numbers: 2^-9 up to 2^-5, then 2^(e - 3) up to 2^9. */
const LOWEST = E4M3.smallestExponent;

/**
 * 1.5 * 2^23 steps, by the exponent of a number above {@link LOWEST}: added to it and taken away again in f32, it leaves the nearest whole number of steps,
 * half to even.
 */
const MAGIC = Float32Array.from({ length: 15 }, (_, e) => 1.5 * 2 ** (23 + LOWEST + e - E4M3.mantissaBits));

/** Each value becomes E4M3 times a scale: absmax / 448 of its row, or one that is given. Larger magnitudes than 448 scales become that. Every operation is one of f32. */
export function roundRowsToE4m3({ rows, columns, data }: Matrix, scale: 'token' | number, output: Matrix): void {
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  for (let r = 0; r < rows; r++) {
    const start = r * columns;
    const end = start + columns;
    const step = scale === 'token' ? scaleOf(data, start, end) : Math.fround(scale);
    for (let i = start; i < end; i++) {
      const x = Math.max(-E4M3.largest, Math.min(E4M3.largest, Math.fround(data[i] / step)));
      single[0] = x;
      const magic = MAGIC[Math.max(((bits[0] >>> 23) & 255) - 127 - LOWEST, 0)];
      output.data[i] = Math.fround(Math.fround(x + magic) - magic) * step;
    }
  }
}

/** Never 0, so that a row of zeros stays one. */
function scaleOf(data: Float32Array, start: number, end: number): number {
  let most = 0;
  for (let i = start; i < end; i++) most = Math.max(most, Math.abs(data[i]));
  return Math.max(Math.fround(most / E4M3.largest), 2 ** -126);
}
