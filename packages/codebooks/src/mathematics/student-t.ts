import { betaRatio } from './beta-ratio.ts';
import { invert } from './invert.ts';

/** P(T < x) for Student's t with `degrees` > 0 of freedom, whole or not: 1 - I(degrees / (degrees + x^2); degrees / 2, 1 / 2) / 2 for x > 0. */
export function studentProbability(x: number, degrees: number): number {
  const tail = betaRatio(degrees / (degrees + x * x), degrees / 2, 0.5) / 2;
  return x > 0 ? 1 - tail : tail;
}

/** The x below which such a variable lies with probability p, 0 < p < 1. */
export function studentQuantile(p: number, degrees: number): number {
  if (p === 0.5) return 0;
  let end = 1;
  while (studentProbability(end, degrees) < Math.max(p, 1 - p)) end *= 2;
  return invert((x) => studentProbability(x, degrees), p, -end, end);
}
