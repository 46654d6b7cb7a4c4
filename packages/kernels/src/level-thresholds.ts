/**
 * The levels.length - 1 bounds between neighbouring levels such that, for every f32 x, the code of the level nearest to x is the
 * number of bounds below x, a tie going to the lower code. The exact midpoint may need more than 24 bits; rounded down to f32 it
 * separates the same f32 numbers.
 */
export function levelThresholds(levels: Float32Array): Float32Array {
  const bounds = new Float32Array(Math.max(0, levels.length - 1));
  for (let i = 0; i < bounds.length; i++) bounds[i] = roundDown(levels[i] / 2 + levels[i + 1] / 2);
  return bounds;
}

function roundDown(x: number): number {
  const nearest = Math.fround(x);
  if (nearest <= x) return nearest;
  // One step towards -Infinity; the bits of an f32 ascend with its magnitude.
  const bits = new Int32Array(Float32Array.of(nearest).buffer);
  if (nearest === 0) bits[0] = SMALLEST_NEGATIVE;
  else bits[0] += nearest > 0 ? -1 : 1;
  return new Float32Array(bits.buffer)[0];
}

const SMALLEST_NEGATIVE = 0x80000001 | 0;
