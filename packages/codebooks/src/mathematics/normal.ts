import { invert } from './invert.ts';

/** Beyond it the tail is below the last bit of f64 beside 1/2. */
const END = 9;

/** Density of the standard normal distribution. */
export const normalDensity = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/**
 * P(0 < X < x) for a standard normal X, odd in x, within 1e-15: density times x + x^3 / 3 + x^5 / (3 * 5) + ... (Marsaglia, Evaluating the
 * normal distribution, Journal of Statistical Software 11, 2004).
 */
export function normalFromZero(x: number): number {
  if (Math.abs(x) > END) return Math.sign(x) / 2;
  let term = x;
  let sum = x;
  for (let i = 3; sum + term !== sum; i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return sum * normalDensity(x);
}

/** The x below which a standard normal variable lies with probability p, 0 < p < 1. */
export function normalQuantile(p: number): number {
  return invert(normalFromZero, p - 0.5, -END, END);
}
