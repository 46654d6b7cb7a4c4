import { type Grid, tableGrid } from '@compress/core';
import { studentQuantile } from './mathematics/student-t.ts';
import { quantileLevels } from './quantile-levels.ts';

/** Degrees of freedom that fit the weights of most language models (Dotzel et al., 2024, table 1). */
const USUAL_DEGREES = 5;

/**
 * SF: levels at quantiles of Student's t (Dotzel et al., Learning from students, 2024), for weights of heavier tails than normal ones;
 * the more degrees of freedom, the nearer to NF. `bits` 2..8, `degrees` > 0, whole or not.
 */
export function studentFloat(bits: number, degrees: number = USUAL_DEGREES): Grid {
  const name = degrees === USUAL_DEGREES ? `sf${bits}` : `sf${bits}-${degrees}`;
  return tableGrid({ name, levels: quantileLevels(bits, (p) => studentQuantile(p, degrees)) });
}
