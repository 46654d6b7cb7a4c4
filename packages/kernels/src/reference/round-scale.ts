import type { ScaleType } from '../kernels.ts';
import { decodeHalf, encodeHalf } from './half-floats.ts';
import { roundHalfEven } from './nearest-code.ts';

const LARGEST = { f32: 3.4028234663852886e38, f16: 65504, bf16: 3.3895313892515355e38, e4m3: 448, e8m0: 2 ** 127 };
const SMALLEST = { f32: 2 ** -149, f16: 2 ** -24, bf16: 2 ** -133, e4m3: 2 ** -9, e8m0: 2 ** -126 };

/** An f32 scale >= 0 as it is stored: see {@link ScaleType}. */
export function roundScale(scale: number, type: ScaleType): number {
  return Math.min(Math.max(round(scale, type), SMALLEST[type]), LARGEST[type]);
}

function round(scale: number, type: ScaleType): number {
  if (type === 'f32') return scale;
  if (type === 'e8m0') return 2 * powerBelow(scale);
  if (type === 'e4m3') {
    const step = Math.max(powerBelow(scale), 2 ** -6) / 8;
    return roundHalfEven(scale / step) * step;
  }
  return decodeHalf(encodeHalf(scale, type), type);
}

/** The largest power of two that is not above an f32; 2^-127 of those below 2^-126. */
function powerBelow(x: number): number {
  const exponent = new Uint32Array(Float32Array.of(x).buffer)[0] >>> 23;
  return 2 ** (exponent - 127);
}
