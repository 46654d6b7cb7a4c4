import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pruneMagnitude } from './prune-magnitude.ts';
import { pruneWanda } from './prune-wanda.ts';

const example = {
  rows: 2,
  columns: 4,
  data: Float32Array.of(-0.5, 1.1, -1.3, -0.1, -0.6, 1.4, 0.2, -0.4),
};
/** Of the tokens (-2 3 1 2), (-2 2 -2 -2), (1 3 3 3), (0 1 0 3), (3 -1 1 0), (2 -1 0 2). */
const squares = Float32Array.of(22, 25, 15, 30);

/** Weights and squares, and a sparsity. */
const layers = fc
  .record({
    rows: fc.integer({ min: 1, max: 5 }),
    columns: fc.constantFrom(4, 8, 12),
    sparsity: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .chain(({ rows, columns, sparsity }) =>
    fc.record({
      weight: fc
        .array(fc.integer({ min: -4, max: 4 }), { minLength: rows * columns, maxLength: rows * columns })
        .map((values) => ({ rows, columns, data: Float32Array.from(values) })),
      squares: fc
        .array(fc.integer({ min: 0, max: 9 }), { minLength: columns, maxLength: columns })
        .map((values) => Float32Array.from(values)),
      sparsity: fc.constant(sparsity),
    }),
  );

/** Places of the `count` smallest by (score, index), by sorting all. */
function smallest(scores: readonly number[], count: number): Set<number> {
  return new Set([...scores.keys()].sort((a, b) => scores[a] - scores[b] || a - b).slice(0, count));
}

describe('Wanda', () => {
  test('a worked example', () => {
    const { mask, weight, sparsity } = pruneWanda({ weight: example, squares, pattern: '2:4' });
    expect([...mask]).toEqual([1, 0, 0, 1, 0, 0, 1, 1]);
    expect([...weight.data]).toEqual([0, 1.1, -1.3, 0, -0.6, 1.4, 0, 0].map(Math.fround));
    expect(sparsity).toBe(0.5);
  });

  test('prunes exactly the smallest of each row', () => {
    fc.assert(
      fc.property(layers, ({ weight, squares, sparsity }) => {
        const { mask } = pruneWanda({ weight, squares, sparsity });
        const heard = squares.some((square) => square > 0);
        for (let r = 0; r < weight.rows; r++) {
          const row = Array.from(weight.data.subarray(r * weight.columns, (r + 1) * weight.columns));
          const scores = row.map((w, c) => Math.abs(w) * (heard ? Math.sqrt(squares[c]) : 1));
          const expected = smallest(scores, Math.round(sparsity * weight.columns));
          for (const c of row.keys()) expect(mask[r * weight.columns + c]).toBe(expected.has(c) ? 1 : 0);
        }
      }),
    );
  });

  test('knows of channels only how they compare', () => {
    fc.assert(
      fc.property(layers, ({ weight, squares, sparsity }) => {
        const louder = squares.map((square) => 4 * square);
        expect(pruneWanda({ weight, squares: louder, sparsity }).mask).toEqual(
          pruneWanda({ weight, squares, sparsity }).mask,
        );
        const row = { ...weight, rows: 1, data: weight.data.subarray(0, weight.columns) };
        const equal = new Float32Array(weight.columns).fill(3);
        expect(pruneWanda({ weight: row, squares: equal, sparsity }).mask).toEqual(
          pruneMagnitude({ weight: row, sparsity }).mask,
        );
      }),
    );
  });
});

describe('magnitude', () => {
  test('prunes exactly the smallest of the layer, ties by index', () => {
    fc.assert(
      fc.property(layers, ({ weight, sparsity }) => {
        const { mask } = pruneMagnitude({ weight, sparsity });
        const expected = smallest(Array.from(weight.data, Math.abs), Math.round(sparsity * weight.data.length));
        expect([...mask]).toEqual([...mask.keys()].map((i) => (expected.has(i) ? 1 : 0)));
      }),
    );
  });

  test('in groups', () => {
    const { mask, relativeError } = pruneMagnitude({ weight: example, pattern: '1:4' });
    expect([...mask]).toEqual([1, 1, 0, 1, 1, 0, 1, 1]);
    const [lost, norm] = [
      0.25 + 1.21 + 0.01 + 0.36 + 0.04 + 0.16,
      0.25 + 1.21 + 1.69 + 0.01 + 0.36 + 1.96 + 0.04 + 0.16,
    ];
    expect(relativeError).toBeCloseTo(Math.sqrt(lost / norm), 6);
  });

  test('what was pruned before stays, and counts', () => {
    const mask = Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0);
    expect([...pruneMagnitude({ weight: example, mask, sparsity: 0.5 }).mask]).toEqual([0, 1, 1, 1, 0, 1, 0, 0]);
    expect([...pruneMagnitude({ weight: example, mask, sparsity: 0.25 }).mask]).toEqual([...mask]);
    expect([...pruneWanda({ weight: example, mask, squares, pattern: '2:4' }).mask]).toEqual([0, 1, 1, 0, 0, 1, 1, 0]);
  });

  test('no numbers are refused', () => {
    const weight = { rows: 1, columns: 2, data: Float32Array.of(1, Number.NaN) };
    expect(() => pruneMagnitude({ weight, layer: 'q' })).toThrow(/^q: .*NaN/);
  });
});
