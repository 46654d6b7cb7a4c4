import { checkFitScales, type ParametersOf } from '../check-shapes.ts';
import type { ScaleFit } from '../kernels.ts';
import { searchFactors } from '../search-factors.ts';
import { decodeHalf, encodeHalf } from './half-floats.ts';
import { gridRounding, roundHalfEven } from './nearest-code.ts';

/** Columns whose errors are summed before they are added to the rest. */
const STRETCH = 16;

const LARGEST = { f32: 3.4028234663852886e38, f16: 65504, bf16: 3.3895313892515355e38 };
const SMALLEST = { f32: 2 ** -149, f16: 2 ** -24, bf16: 2 ** -133 };

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

function fitGroup(weights: Float32Array, importance: Float32Array, fit: ScaleFit): Choice {
  const low = weights.reduce((least, w) => Math.min(least, w), 0);
  const high = weights.reduce((most, w) => Math.max(most, w), 0);
  if (low === 0 && high === 0) return { scale: 1, zero: zeroCode(0, fit) };
  const error = squaredError(weights, importance, fit);
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
  const { grid, symmetric, scaleType } = fit;
  const absmax = Math.max(-low, high);
  if (grid.kind === 'table') {
    const largestLevel = grid.levels.reduce((most, level) => Math.max(most, Math.abs(level)), 0);
    return [{ scale: storable(Math.fround(absmax * factor) / largestLevel, scaleType), zero: 0 }];
  }
  const range = Math.fround(symmetric ? 2 * absmax : high - low);
  const scale = storable(Math.fround(range * factor) / grid.maxCode, scaleType);
  const zero = zeroCode(roundHalfEven(Math.fround(Math.fround(-low * factor) / scale)), fit);
  if (symmetric) return [{ scale, zero }];
  const choices = [{ scale, zero }];
  if (zero > 0) choices.push({ scale, zero: zero - 1 });
  if (zero < grid.maxCode) choices.push({ scale, zero: zero + 1 });
  return choices;
}

function zeroCode(ideal: number, { grid, symmetric }: ScaleFit): number {
  if (grid.kind === 'table') return 0;
  return symmetric ? (grid.maxCode + 1) / 2 : Math.min(Math.max(ideal, 0), grid.maxCode);
}

/** Rounded to the type that is stored, and kept finite and positive. */
function storable(scale: number, type: ScaleFit['scaleType']): number {
  const rounded = type === 'f32' ? Math.fround(scale) : decodeHalf(encodeHalf(Math.fround(scale), type), type);
  return Math.min(Math.max(rounded, SMALLEST[type]), LARGEST[type]);
}

function squaredError(weights: Float32Array, importance: Float32Array, fit: ScaleFit): (choice: Choice) => number {
  const rounding = gridRounding(fit.grid);
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
