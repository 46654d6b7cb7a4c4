import { expect, test } from 'vitest';
import { createStopwatch } from './time-left.ts';

test('pieces of a kind take time in proportion to their size, and what was never measured is not guessed', () => {
  const stopwatch = createStopwatch();
  const block = { kind: 'block', size: 10 };
  expect(stopwatch.left([block])).toBeUndefined();
  expect(stopwatch.left([])).toBe(0);
  expect(stopwatch.left([{ kind: 'head', size: 0 }])).toBe(0);
  stopwatch.measured(block, 4);
  stopwatch.measured({ kind: 'block', size: 30 }, 8);
  expect(stopwatch.left([block, block, { kind: 'head', size: 0 }])).toBe(6);
  expect(stopwatch.left([block, { kind: 'head', size: 1 }])).toBeUndefined();
});
