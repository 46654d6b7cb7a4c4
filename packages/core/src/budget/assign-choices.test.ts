import { expect, test } from 'vitest';
import { randomStream } from '../random-stream.ts';
import { assignChoices, type Choice } from './assign-choices.ts';

/** The least loss within the budget over all assignments, one by one. */
function bruteForce(items: readonly (readonly Choice[])[], budget: number): number {
  if (budget < 0) return Number.POSITIVE_INFINITY;
  const [first, ...rest] = items;
  if (first === undefined) return 0;
  return Math.min(...first.map(({ cost, loss }) => loss + bruteForce(rest, budget - cost)));
}

const total = (items: readonly (readonly Choice[])[], assignment: readonly number[], key: 'cost' | 'loss') =>
  items.reduce((sum, choices, i) => sum + choices[assignment[i]][key], 0);

test('is the best of all assignments', () => {
  const { integer, uniform } = randomStream('knapsacks');
  for (let trial = 0; trial < 300; trial++) {
    const items = Array.from({ length: 1 + integer(6) }, () =>
      Array.from({ length: 1 + integer(4) }, () => ({
        cost: integer(20),
        loss: trial % 2 === 0 ? uniform() : integer(8),
      })),
    );
    const budget = integer(60);
    const best = bruteForce(items, budget);
    const assignment = assignChoices(items, budget);
    if (best === Number.POSITIVE_INFINITY) expect(assignment).toBeUndefined();
    else {
      expect(total(items, assignment!, 'loss')).toBeCloseTo(best, 12);
      expect(total(items, assignment!, 'cost')).toBeLessThanOrEqual(budget);
    }
  }
});

test('hundreds of items with a convex loss, as layers have it, agree with a table over all costs', () => {
  const { uniform } = randomStream('layers');
  const items = Array.from({ length: 300 }, (_, i) => {
    const [size, sensitivity] = [[3, 1, 8][i % 3], 10 ** (3 * uniform())];
    return [2, 3, 4, 5, 8].map((bits) => ({
      cost: size * bits,
      loss: sensitivity * 4 ** -bits * (1 + 0.2 * uniform()),
    }));
  });
  const budget = Math.floor(items.reduce((sum, [{ cost }]) => sum + cost, 0) * 1.7);
  const table = new Float64Array(budget + 1);
  for (const choices of items)
    for (let left = budget; left >= 0; left--)
      table[left] = Math.min(
        ...choices.map(({ cost, loss }) => (cost > left ? Number.POSITIVE_INFINITY : table[left - cost] + loss)),
      );
  const assignment = assignChoices(items, budget)!;
  expect(total(items, assignment, 'loss')).toBeCloseTo(table[budget], 9);
  expect(total(items, assignment, 'cost')).toBeLessThanOrEqual(budget);
});

test('of equal losses the cheaper; more than enough gives everyone the best', () => {
  expect(
    assignChoices(
      [
        [
          { cost: 5, loss: 1 },
          { cost: 3, loss: 1 },
        ],
      ],
      9,
    ),
  ).toEqual([1]);
  expect(
    assignChoices(
      [
        [
          { cost: 1, loss: 2 },
          { cost: 2, loss: 1 },
        ],
        [{ cost: 4, loss: 0 }],
      ],
      100,
    ),
  ).toEqual([1, 0]);
  expect(assignChoices([], 0)).toEqual([]);
});
