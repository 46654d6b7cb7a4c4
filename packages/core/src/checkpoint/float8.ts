/** The 256 values of F8_E4M3 ("fn": bias 7, no infinities, 0x7F and 0xFF are NaN). OCP 8-bit floating point specification, 2023. */
export const FLOAT8_E4M3: Float32Array = float8Values(4, 7, (code) => (code & 0x7f) === 0x7f);

/** The 256 values of F8_E5M2 (bias 15, infinities and NaNs as IEEE 754). */
export const FLOAT8_E5M2: Float32Array = float8Values(5, 15, (code) => (code & 0x7f) > 0x7c);

function float8Values(exponentBits: number, bias: number, isNaNCode: (code: number) => boolean): Float32Array {
  const mantissaBits = 7 - exponentBits;
  const values = new Float32Array(256);
  for (let code = 0; code < 256; code++) {
    const sign = code & 0x80 ? -1 : 1;
    const exponent = (code & 0x7f) >> mantissaBits;
    const fraction = (code & ((1 << mantissaBits) - 1)) / (1 << mantissaBits);
    if (isNaNCode(code)) values[code] = Number.NaN;
    else if (exponentBits === 5 && exponent === 31) values[code] = sign * Number.POSITIVE_INFINITY;
    else if (exponent === 0) values[code] = sign * fraction * 2 ** (1 - bias);
    else values[code] = sign * (1 + fraction) * 2 ** (exponent - bias);
  }
  return values;
}
