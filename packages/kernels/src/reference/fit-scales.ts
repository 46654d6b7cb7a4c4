import { checkFitScales } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import type { ScaleFit } from '../kernels.ts';
import { largestLevel } from '../largest-level.ts';
import { searchFactors } from '../search-factors.ts';
import { type GridRounding, gridRounding, roundHalfEven } from './nearest-code.ts';
import { roundScale } from './round-scale.ts';

/** Columns whose errors are summed before they are added to the rest. */
const STRETCH = 16;

/** The smallest positive f32. */
const SMALLEST = 2 ** -149;

/** Scale and zero of each (row, group); every operation is one f32 operation, sums go over stretches of columns in ascending order. */
export function fitScales(p: ParametersOf<'fitScales'>): void {
  checkFitScales(p);
  const { weight, fit, scales } = p;
  const members: number[][] = Array.from({ length: scales.groups }, () => []);
  for (let c = 0; c < weight.columns; c++) members[scales.group[c]].push(c);
  for (let r = 0; r < weight.rows; r++) {
    const row = weight.data.subarray(r * weight.columns, (r + 1) * weight.columns);
    for (let g = 0; g < scales.groups; g++) {
      const { scale, zero } = fitGroup(
        Float32Array.from(members[g], (c) => row[c]),
        Float32Array.from(members[g], (c) => fit.importance?.[c] ?? 1),
        fit,
        r,
      );
      scales.scales[r * scales.groups + g] = scale;
      scales.zeros[r * scales.groups + g] = zero;
    }
  }
}

interface Choice {
  readonly scale: number;
  readonly zero: number;
}

function fitGroup(weights: Float32Array, importance: Float32Array, fit: ScaleFit, row: number): Choice {
  const low = weights.reduce((least, w) => Math.min(least, w), 0);
  const high = weights.reduce((most, w) => Math.max(most, w), 0);
  if (low === 0 && high === 0) return { scale: 1, zero: zeroCode(0, fit) };
  const error = squaredError(weights, importance, gridRounding(fit.grid, row));
  let [best] = candidates(low, high, 1, fit);
  if (fit.steps === 0) return best;
  let bestError = error(best);
  for (const factor of searchFactors(fit.steps).subarray(1)) {
    for (const candidate of candidates(low, high, factor, fit)) {
      const e = error(candidate);
      if (e < bestError) [best, bestError] = [candidate, e];
    }
  }
  return best;
}

/** The choices at a range that is shrunk by `factor`: the scale with its own zero first, then zero - 1 and zero + 1 if they are codes. */
function candidates(low: number, high: number, factor: number, fit: ScaleFit): Choice[] {
  const { grid, symmetric } = fit;
  const absmax = Math.max(-low, high);
  if (grid.kind !== 'integer') {
    const reach = Math.fround(fit.reach ?? largestLevel(grid));
    return [{ scale: storable(Math.fround(absmax * factor) / reach, fit), zero: 0 }];
  }
  const range = Math.fround(symmetric ? 2 * absmax : high - low);
  const scale = storable(Math.fround(range * factor) / grid.maxCode, fit);
  const zero = zeroCode(roundHalfEven(Math.fround(Math.fround(-low * factor) / scale)), fit);
  if (symmetric) return [{ scale, zero }];
  const choices = [{ scale, zero }];
  if (zero > 0) choices.push({ scale, zero: zero - 1 });
  if (zero < grid.maxCode) choices.push({ scale, zero: zero + 1 });
  return choices;
}

function zeroCode(ideal: number, { grid, symmetric }: ScaleFit): number {
  if (grid.kind !== 'integer') return 0;
  return symmetric ? (grid.maxCode + 1) / 2 : Math.min(Math.max(ideal, 0), grid.maxCode);
}

/** Rounded to the type that is stored, in its unit, which must not make it 0. */
function storable(scale: number, { scaleType, scaleUnit = 1 }: ScaleFit): number {
  const unit = Math.fround(scaleUnit);
  const stored = roundScale(Math.fround(Math.fround(scale) / unit), scaleType);
  return Math.max(Math.fround(stored * unit), SMALLEST);
}

function squaredError(
  weights: Float32Array,
  importance: Float32Array,
  rounding: GridRounding,
): (choice: Choice) => number {
  const term = (j: number, { scale, zero }: Choice) => {
    const code = rounding.code(weights[j], scale, zero);
    const difference = Math.fround(weights[j] - rounding.value(code, scale, zero));
    return Math.fround(importance[j] * Math.fround(difference * difference));
  };
  return (choice) => {
    let error = 0;
    for (let first = 0; first < weights.length; first += STRETCH) {
      let sum = 0;
      const end = Math.min(first + STRETCH, weights.length);
      for (let j = first; j < end; j++) sum = Math.fround(sum + term(j, choice));
      error = Math.fround(error + sum);
    }
    return error;
  };
}
