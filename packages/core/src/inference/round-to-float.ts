/** A binary floating-point format without infinities: larger magnitudes become `largest`. */
export interface FloatFormat {
  readonly mantissaBits: number;
  /** Of the smallest normal number. */
  readonly smallestExponent: number;
  readonly largest: number;
}

export const F16: FloatFormat = { mantissaBits: 10, smallestExponent: -14, largest: 65504 };

/** OCP 8-bit floating point, E4M3. */
export const E4M3: FloatFormat = { mantissaBits: 3, smallestExponent: -6, largest: 448 };

/** The nearest number of the format, half to even; NaN stays NaN. */
export function roundToFloat(x: number, { mantissaBits, smallestExponent, largest }: FloatFormat): number {
  if (x === 0 || Number.isNaN(x)) return x;
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), smallestExponent) - mantissaBits);
  return Math.max(-largest, Math.min(largest, roundHalfEven(x / step) * step));
}

export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
