import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { CodeGrid } from '../code-grid.ts';
import type { Kernels } from '../kernels.ts';
import { openFronts } from '../testing/fronts.ts';
import { anyGrid, strewnScales, withOwnTables } from '../testing/grids.ts';
import { hessianOf } from '../testing/hessian.ts';
import { emptyLike, randomNumbers } from '../testing/random.ts';

const fronts = await openFronts();
afterAll(() => fronts.close());

/** A weight that was scaled, rounded with scales that differ a little from those that are stored. */
function problem(rows: number, columns: number, groups: number, grid: CodeGrid, seed: number) {
  const random = randomNumbers(seed);
  const weight = random.matrix(rows, columns, 4);
  const divisors = random.floats(columns).map((x) => 0.5 + Math.abs(x));
  const rounded = { ...weight, data: weight.data.map((x, i) => x * divisors[i % columns]) };
  const scales = strewnScales(random, rows, columns, groups);
  if (grid.kind === 'integer') scales.zeros.fill(random.integer(grid.maxCode + 1));
  const stored = { ...scales, scales: scales.scales.map((scale) => scale * 1.001) };
  const hessian = hessianOf(random.matrix(20, columns));
  return { weight, rounded, divisors, grid: withOwnTables(grid, rows, random), scales, stored, hessian };
}

/** The same by one operation after the other, in the reference. */
async function stepByStep({ reference }: { reference: Kernels }, p: ReturnType<typeof problem>, divided: boolean) {
  const { weight, rounded, divisors, grid, scales, stored, hessian } = p;
  const codes = new Uint8Array(weight.data.length);
  const right = emptyLike(weight);
  await reference.quantize({ weight: rounded, grid, scales, codes });
  await reference.dequantize({ codes, grid, scales: stored, output: right });
  if (divided) for (const [i, value] of right.data.entries()) right.data[i] = value / divisors[i % weight.columns];
  return reference.weightedError({ left: weight, right, hessian });
}

function expectClose(actual: Float64Array, expected: Float64Array) {
  expect(actual.length).toBe(expected.length);
  for (const [r, error] of expected.entries())
    expect(Math.abs(actual[r] - error), `row ${r} of ${error}`).toBeLessThanOrEqual(1e-5 * error);
}

describe.each(fronts.modes)('%s', (_mode, kernels) => {
  const side = fc.integer({ min: 0, max: 70 });
  const groups = fc.integer({ min: 1, max: 4 });

  test('is the error of what quantize and dequantize make', async () => {
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        groups,
        anyGrid,
        fc.boolean(),
        fc.integer(),
        async (rows, columns, n, grid, d, s) => {
          const { divisors, ...rest } = problem(rows, columns, n, grid, s);
          const actual = await kernels.roundingError({ ...rest, ...(d && { divisors }) });
          expectClose(actual, await stepByStep(fronts, { ...rest, divisors }, d));
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    [5, 257],
    [40, 700],
    [600, 512],
  ])('beyond one window and one block: %i x %i', async (rows, columns) => {
    const p = problem(rows, columns, 3, { kind: 'integer', maxCode: 7 }, rows);
    expectClose(await kernels.roundingError(p), await stepByStep(fronts, p, true));
  });

  test('parts: as if the Hessian were 0 between them', async () => {
    for (const [rows, size, parts] of [
      [70, 32, 3],
      [5, 300, 2],
    ]) {
      const p = problem(rows, size * parts, parts, { kind: 'integer', maxCode: 7 }, size);
      const errors = await kernels.roundingError({ ...p, parts });
      for (let part = 0; part < parts; part++) {
        const within = (i: number) => Math.floor(i / size) === part;
        const n = size * parts;
        const data = p.hessian.data.map((x, i) => (within(i % n) && within(Math.floor(i / n)) ? x : 0));
        const alone = await stepByStep(fronts, { ...p, hessian: { ...p.hessian, data } }, true);
        expectClose(
          errors.filter((_, i) => i % parts === part),
          alone,
        );
      }
    }
    const odd = problem(2, 8, 1, { kind: 'integer', maxCode: 7 }, 1);
    await expect(kernels.roundingError({ ...odd, parts: 3 })).rejects.toThrow('8 columns are not 3 equal parts');
  });

  test('a Hessian of another width is refused', async () => {
    const p = problem(2, 8, 1, { kind: 'integer', maxCode: 7 }, 1);
    await expect(kernels.roundingError({ ...p, hessian: hessianOf(randomNumbers(1).matrix(9, 9)) })).rejects.toThrow(
      'hessian is [9, 9] but must be [8, 8]',
    );
  });
});

test('every number of threads gives the same bits', async () => {
  const levels = Float32Array.of(-1, 0, 0.4, 1);
  for (const grid of [{ kind: 'integer', maxCode: 15 } as const, { kind: 'table', levels } as const]) {
    const p = problem(303, 509, 8, grid, 1);
    await fronts.expectSameBits(async (kernels) => [await kernels.roundingError(p)]);
  }
});
