/**
 * The values of a small floating-point type, ascending and without the second 0: sign, `exponent` bits with bias 2^(exponent-1) - 1 and subnormals, `mantissa`
 * bits (OCP Microscaling Formats 1.0, section 5.3). `excluded`: how many of the largest magnitudes are infinities or NaN instead.
 */
export function minifloatLevels(exponent: number, mantissa: number, excluded = 0): number[] {
  const bias = 2 ** (exponent - 1) - 1;
  const steps = 2 ** mantissa;
  const magnitudes = Array.from({ length: 2 ** (exponent + mantissa) - excluded }, (_, code) => {
    const power = Math.floor(code / steps);
    const fraction = (code % steps) / steps;
    return power === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (power - bias);
  });
  return [
    ...magnitudes
      .slice(1)
      .reverse()
      .map((x) => -x),
    ...magnitudes,
  ];
}

/** E2M1: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives. */
export const E2M1 = minifloatLevels(2, 1);
/** E2M3, up to 7.5. */
export const E2M3 = minifloatLevels(2, 3);
/** E3M2, up to 28. */
export const E3M2 = minifloatLevels(3, 2);
/** E4M3, up to 448: its last code is NaN, and it has no infinities. */
export const E4M3 = minifloatLevels(4, 3, 1);
/** E5M2, up to 57344: as IEEE 754's types do, it spends the last exponent on infinities and NaN. */
export const E5M2 = minifloatLevels(5, 2, 4);
