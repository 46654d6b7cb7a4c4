/** A continued fraction that has not settled by then never will. */
const MOST_TERMS = 1e6;
/** Stands in for 0 in a denominator (Lentz). */
const TINY = 1e-300;

/** I(x; a, b), the regularized incomplete beta function, 0 <= x <= 1, a and b > 0. */
export function betaRatio(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction settles fast below the mean of the distribution; above, that of 1 - x does.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaRatio(1 - x, b, a);
  const factor = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b)) / a;
  return factor * betaFraction(x, a, b);
}

/** 1 / (1 + d1 / (1 + d2 / (1 + ...))), Abramowitz and Stegun 26.5.8, by the method of Lentz. */
function betaFraction(x: number, a: number, b: number): number {
  let [c, d, product] = [1, 0, 1];
  for (let i = 0; i < MOST_TERMS; i++) {
    const m = Math.floor(i / 2);
    let term = 1;
    if (i % 2 === 1) term = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    else if (i > 0) term = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + term * d || TINY);
    c = 1 + term / c || TINY;
    product *= c * d;
    if (Math.abs(c * d - 1) < 2 * Number.EPSILON) return product - 1;
  }
  throw new RangeError(`I(${x}; ${a}, ${b}) does not settle`);
}

/** Nine terms of Lanczos' series, g = 7. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** log(Gamma(x)), x > 0, within 1e-14 of its own size. */
function logGamma(x: number): number {
  const y = x - 1;
  const base = y + LANCZOS.length - 1.5;
  const series = LANCZOS.reduce((sum, coefficient, i) => sum + (i === 0 ? coefficient : coefficient / (y + i)), 0);
  return Math.log(2 * Math.PI) / 2 + (y + 0.5) * Math.log(base) - base + Math.log(series);
}
