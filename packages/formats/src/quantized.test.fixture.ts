import { type Grid, integerGrid, type LinearSpec, type QuantizedWeight } from '@compress/core';
import fc from 'fast-check';

export function linearSpec(outFeatures: number, inFeatures: number, transposed = false): LinearSpec {
  return { name: 'layer', weight: 'layer.weight', outFeatures, inFeatures, transposed };
}

/** A weight of random codes on f16 scales (signs of nothing: any code and any zero point may come); `shuffle` mixes the groups' columns. */
export function quantizedWeight(p: {
  rows: number;
  groups: number;
  groupSize: number;
  grid: Grid;
  seed: number;
  shuffle?: boolean;
}): QuantizedWeight {
  let state = p.seed + 1;
  const next = (bound: number) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
    return (state >>> 8) % bound;
  };
  const columns = p.groups * p.groupSize;
  const top = 2 ** p.grid.bits;
  const group = Uint32Array.from({ length: columns }, (_, c) => Math.floor(c / p.groupSize));
  if (p.shuffle) {
    for (let c = columns - 1; c > 0; c--) {
      const other = next(c + 1);
      [group[c], group[other]] = [group[other], group[c]];
    }
  }
  return {
    rows: p.rows,
    columns,
    grid: p.grid,
    groupSize: p.groupSize,
    codes: Uint8Array.from({ length: p.rows * columns }, () => next(top)),
    scales: {
      groups: p.groups,
      scales: Float32Array.from({ length: p.rows * p.groups }, () => (1 + next(1024) / 1024) * 2 ** (next(12) - 14)),
      zeros: Float32Array.from({ length: p.rows * p.groups }, () => (p.grid.symmetric ? top / 2 : next(top))),
      group,
    },
  };
}

/** Weights that the gptq format can hold: rows and columns fill words, everything else is odd. */
export const gptqWeight = fc
  .record({
    bits: fc.constantFrom(2, 3, 4, 8),
    symmetric: fc.boolean(),
    rowWords: fc.integer({ min: 1, max: 7 }),
    columnWords: fc.integer({ min: 1, max: 9 }),
    groupChoice: fc.nat(1000),
    seed: fc.nat(),
    shuffle: fc.boolean(),
  })
  .map(({ bits, symmetric, rowWords, columnWords, groupChoice, seed, shuffle }) => {
    const lanes = bits === 3 ? 32 : 32 / bits;
    const columns = lanes * columnWords;
    const divisors = Array.from({ length: columns }, (_, i) => i + 1).filter((size) => columns % size === 0);
    const groupSize = divisors[groupChoice % divisors.length];
    const grid = integerGrid({ bits, symmetric });
    return quantizedWeight({ rows: lanes * rowWords, groups: columns / groupSize, groupSize, grid, seed, shuffle });
  });

/** (code - zero) * scale in f32, from the definition of a grid. */
export function exactValue({ columns, codes, scales }: QuantizedWeight, r: number, c: number): number {
  const at = r * scales.groups + scales.group[c];
  return Math.fround((codes[r * columns + c] - scales.zeros[at]) * scales.scales[at]);
}
