import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { openFronts } from '../testing/fronts.ts';
import { anyGrid, strewnScales, valuesOf, withOwnTables } from '../testing/grids.ts';
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
      fc.asyncProperty(anyGrid, fc.boolean(), fc.integer(), async (shared, own, seed) => {
        const random = randomNumbers(seed);
        const grid = own ? withOwnTables(shared, 3, random) : shared;
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
          const distances = valuesOf(grid, Math.floor(i / 7), scales.scales[at], scales.zeros[at]).map((q) =>
            Math.abs(w - q),
          );
          // The quotient w / scale is rounded before the nearest is sought.
          expect(Math.abs(w - output.data[i])).toBeLessThanOrEqual(Math.min(...distances) + 1e-6 * Math.abs(w));
        });
      }),
      { numRuns: 100 },
    );
  });
});

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  test('agrees with the reference in every bit', async () => {
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.integer({ min: 1, max: 5 }),
        anyGrid,
        fc.boolean(),
        fc.boolean(),
        fc.integer(),
        async (rows, columns, groups, shared, own, spoiled, seed) => {
          const random = randomNumbers(seed);
          const grid = own ? withOwnTables(shared, rows, random) : shared;
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
  const tables = withOwnTables({ kind: 'table', levels: Float32Array.of(-1, 0, 0.4, 1) }, 303, random);
  for (const grid of [{ kind: 'integer', maxCode: 15 } as const, tables])
    await fronts.expectSameBits(async (kernels) => {
      const codes = new Uint8Array(303 * 509);
      const output = emptyLike(weight);
      await kernels.quantize({ weight, grid, scales, codes });
      await kernels.dequantize({ codes, grid, scales, output });
      return [codes, output.data];
    });
});

test('tables that are not those of the rows are refused', async () => {
  const weight = { rows: 2, columns: 1, data: Float32Array.of(1, 2) };
  const scales = { groups: 1, scales: Float32Array.of(1, 1), zeros: new Float32Array(2), group: new Uint32Array(1) };
  const quantize = (rows: number, levels: number[]) =>
    fronts.reference.quantize({
      weight,
      scales,
      grid: { kind: 'tables', levels: { rows, columns: levels.length / rows, data: Float32Array.from(levels) } },
      codes: new Uint8Array(2),
    });
  await quantize(2, [0, 1, -1, 1]);
  await expect(quantize(1, [0, 1])).rejects.toThrow('grid.levels is [1, 2] but must be [2, 2]');
  await expect(quantize(2, [0, 1, 1, 1])).rejects.toThrow('ascend');
});
