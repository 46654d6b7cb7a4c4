import { checkSweep } from '../check-shapes/check-rounding.ts';
import type { ParametersOf } from '../check-shapes/parameters-of.ts';
import { gridRounding } from './nearest-code.ts';

/**
 * One sweep of GPTQ (Frantar et al., 2022, algorithm 1) or SparseGPT over columns [from, to), row by row: rows do not depend on each
 * other, and without SIMD the blocks of the paper change nothing.
 */
export function sweep(p: ParametersOf<'sweep'>): void {
  checkSweep(p);
  const { weight, factor, from, to, scales, mask, codes, loss } = p;
  const { rows, columns: n } = weight;
  for (let r = 0; r < rows; r++) {
    const rounding = p.grid && gridRounding(p.grid, r);
    const row = weight.data.subarray(r * n, (r + 1) * n);
    for (let c = from; c < to; c++) {
      const w = row[c];
      const masked = mask !== undefined && mask[r * n + c] !== 0;
      let q = masked ? 0 : w;
      if (rounding && scales) {
        const at = r * scales.groups + scales.group[c];
        const code = rounding.code(q, scales.scales[at], scales.zeros[at]);
        if (codes) codes[r * n + c] = code;
        if (!masked) q = rounding.value(code, scales.scales[at], scales.zeros[at]);
      }
      const error = Math.fround(Math.fround(w - q) / factor.data[c * n + c]);
      loss[r] += error * error;
      row[c] = q;
      if (error !== 0) for (let j = c + 1; j < n; j++) row[j] -= error * factor.data[c * n + j];
    }
  }
}
