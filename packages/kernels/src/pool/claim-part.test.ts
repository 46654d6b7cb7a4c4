import { expect, test } from 'vitest';
import { claimPart } from './claim-part.ts';
import type { Division } from './messages.ts';

function partsOf(division: Omit<Division, 'claimed'>): [number, number][] {
  const claimed = new Int32Array(1);
  const parts: [number, number][] = [];
  for (let part = claimPart({ ...division, claimed }); part; part = claimPart({ ...division, claimed }))
    parts.push(part);
  return parts;
}

test.each([
  { units: 1, granule: 16, threads: 2 },
  { units: 2048, granule: 30, threads: 2 },
  { units: 36, granule: 1, threads: 7 },
  { units: 3_000_000_001, granule: 1024, threads: 2 },
])('parts of $units units follow one another without gaps, whole granules each', (division) => {
  for (const schedule of ['guided', 'static', 'dynamic'] as const) {
    if (schedule === 'dynamic' && division.units > 1e6) continue;
    const all = partsOf({ ...division, schedule });
    expect(all[0][0]).toBe(0);
    expect(all.at(-1)![1]).toBe(division.units);
    for (const [i, [from, to]] of all.entries()) {
      expect(to).toBeGreaterThan(from);
      expect(from % division.granule).toBe(0);
      if (i > 0) expect(from).toBe(all[i - 1][1]);
    }
  }
});

test('static: a part for each thread; dynamic: one for each granule; guided: a quarter first for two threads, and never many', () => {
  const sizes = (schedule: Division['schedule']) =>
    partsOf({ units: 2048, granule: 1, threads: 2, schedule }).map(([from, to]) => to - from);
  expect(sizes('static')).toEqual([1024, 1024]);
  expect(sizes('dynamic')).toHaveLength(2048);
  const guided = sizes('guided');
  expect(guided.slice(0, 3)).toEqual([512, 384, 288]);
  expect(Math.min(...guided.slice(0, -1))).toBe(64);
  expect(guided.length).toBeLessThan(20);
});
