import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { CodeGrid } from '../code-grid.ts';
import { openFronts } from '../testing/fronts.ts';
import { anyGrid, strewnScales } from '../testing/grids.ts';
import { emptyLike, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

const side = fc.integer({ min: 0, max: 40 });
const every = [...fronts.modes, ['reference', fronts.reference]] as const;

describe.each(every)('%s', (_mode, kernels) => {
  test('codes are nearest, ties to the even integer or the lower level', async () => {
    const weight = { rows: 1, columns: 8, data: Float32Array.of(0.5, 1.5, 2.5, -0.5, 100, -100, -1e-9, 3e38) };
    const scales = { groups: 1, scales: Float32Array.of(1), zeros: Float32Array.of(1), group: new Uint32Array(8) };
    const codes = new Uint8Array(8);
    await kernels.quantize({ weight, grid: { kind: 'integer', maxCode: 7 }, scales, codes });
    expect([...codes]).toEqual([1, 3, 3, 1, 7, 0, 1, 7]);
    const levels = Float32Array.of(-1, 0, 1, 2, 4);
    scales.zeros.fill(0);
    await kernels.quantize({ weight, grid: { kind: 'table', levels }, scales, codes });
    expect([...codes]).toEqual([1, 2, 3, 0, 4, 0, 1, 4]);
  });

  test('no other code is nearer', async () => {
    await fc.assert(
      fc.asyncProperty(anyGrid, fc.integer(), async (grid, seed) => {
        const random = randomNumbers(seed);
        const weight = random.matrix(3, 7, 4);
        const scales = strewnScales(random, 3, 7, 2);
        if (grid.kind === 'integer')
          scales.zeros.forEach((_, i) => {
            scales.zeros[i] = random.integer(grid.maxCode + 1);
          });
        const codes = new Uint8Array(21);
        const output = emptyLike(weight);
        await kernels.quantize({ weight, grid, scales, codes });
        await kernels.dequantize({ codes, grid, scales, output });
        weight.data.forEach((w, i) => {
          const at = Math.floor(i / 7) * 2 + scales.group[i % 7];
          const distances = valuesOf(grid, scales.scales[at], scales.zeros[at]).map((q) => Math.abs(w - q));
          // The quotient w / scale is rounded before the nearest is sought.
          expect(Math.abs(w - output.data[i])).toBeLessThanOrEqual(Math.min(...distances) + 1e-6 * Math.abs(w));
        });
      }),
      { numRuns: 100 },
    );
  });
});

function valuesOf(grid: CodeGrid, scale: number, zero: number): number[] {
  const codes = grid.kind === 'integer' ? [...Array(grid.maxCode + 1).keys()] : [...grid.levels];
  return codes.map((code) => (code - zero) * scale);
}

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('agrees with the reference in every bit', async () => {
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.integer({ min: 1, max: 5 }),
        anyGrid,
        fc.boolean(),
        fc.integer(),
        async (rows, columns, groups, grid, spoiled, seed) => {
          const random = randomNumbers(seed);
          const weight = random.matrix(rows, columns, 4);
          if (spoiled) random.spoil(weight.data);
          const scales = strewnScales(random, rows, columns, groups);
          if (grid.kind === 'integer') scales.zeros.fill(random.integer(grid.maxCode + 1));
          const actual = { codes: new Uint8Array(rows * columns), output: emptyLike(weight) };
          const expected = { codes: new Uint8Array(rows * columns), output: emptyLike(weight) };
          for (const [front, { codes, output }] of [
            [kernels, actual],
            [fronts.reference, expected],
          ] as const) {
            await front.quantize({ weight, grid, scales, codes });
            await front.dequantize({ codes, grid, scales, output });
          }
          expect(actual).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });
});

test('every number of threads gives the same bits', async () => {
  const random = randomNumbers(1);
  const weight = random.matrix(303, 509, 3);
  const scales = strewnScales(random, 303, 509, 8);
  const grid = { kind: 'integer', maxCode: 15 } as const;
  await fronts.expectSameBits(async (kernels) => {
    const codes = new Uint8Array(303 * 509);
    const output = emptyLike(weight);
    await kernels.quantize({ weight, grid, scales, codes });
    await kernels.dequantize({ codes, grid, scales, output });
    return [codes, output.data];
  });
});
