import { power, type Rope } from '@compress/core';

/** theta^(-2i / dimensions), unscaled. */
export function plainRope(theta: number, dimensions: number): Rope {
  const frequencies = Float64Array.from({ length: dimensions / 2 }, (_, i) => power(theta, (-2 * i) / dimensions));
  return { dimensions, amplitude: 1, frequencies: () => frequencies };
}

/** Position interpolation (Chen et al. 2023): all frequencies divided by `factor`. */
export function linearRope(plain: Rope, factor: number): Rope {
  const frequencies = plain.frequencies(0).map((frequency) => frequency / factor);
  return { ...plain, frequencies: () => frequencies };
}

/**
 * Llama 3.1: wavelengths beyond originalLength / lowFactor are divided by `factor`, those below originalLength / highFactor are kept,
 * and those between are blended.
 */
export function llama3Rope(
  plain: Rope,
  p: {
    readonly factor: number;
    readonly lowFactor: number;
    readonly highFactor: number;
    readonly originalLength: number;
  },
): Rope {
  const frequencies = plain.frequencies(0).map((frequency) => {
    const turns = (p.originalLength * frequency) / (2 * Math.PI);
    const keep = Math.min(1, Math.max(0, (turns - p.lowFactor) / (p.highFactor - p.lowFactor)));
    return frequency * (keep + (1 - keep) / p.factor);
  });
  return { ...plain, frequencies: () => frequencies };
}

/** YaRN (Peng et al. 2023, section 3.2): a ramp over dimensions between interpolation and none, and a temperature in `amplitude`. */
export function yarnRope(
  plain: Rope,
  p: {
    readonly theta: number;
    readonly factor: number;
    readonly originalLength: number;
    readonly betaFast: number;
    readonly betaSlow: number;
    /** Whole dimensions at both ends of the ramp. */
    readonly truncate: boolean;
    readonly amplitude: number;
  },
): Rope {
  const { dimensions } = plain;
  const dimensionOf = (turns: number) =>
    (dimensions * Math.log(p.originalLength / (turns * 2 * Math.PI))) / (2 * Math.log(p.theta));
  const fast = dimensionOf(p.betaFast);
  const slow = dimensionOf(p.betaSlow);
  const low = Math.max(p.truncate ? Math.floor(fast) : fast, 0);
  const end = Math.min(p.truncate ? Math.ceil(slow) : slow, dimensions - 1);
  const high = end === low ? end + 0.001 : end;
  const frequencies = plain.frequencies(0).map((frequency, i) => {
    const stretch = Math.min(1, Math.max(0, (i - low) / (high - low)));
    return frequency * (1 - stretch + stretch / p.factor);
  });
  return { dimensions, amplitude: p.amplitude, frequencies: () => frequencies };
}

/** LongRoPE (Ding et al. 2024): a divisor for each frequency, one list for lengths up to `originalLength` and one beyond. */
export function longRope(
  plain: Rope,
  p: {
    readonly short: readonly number[];
    readonly long: readonly number[];
    readonly originalLength: number;
    readonly amplitude: number;
  },
): Rope {
  const short = plain.frequencies(0).map((frequency, i) => frequency / p.short[i]);
  const long = plain.frequencies(0).map((frequency, i) => frequency / p.long[i]);
  return {
    dimensions: plain.dimensions,
    amplitude: p.amplitude,
    frequencies: (length) => (length > p.originalLength ? long : short),
  };
}
