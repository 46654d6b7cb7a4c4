import { expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import { TARGETS } from './targets/index.ts';

/** Of all targets together; `pnpm fuzz` does a million, and not the same ones each time. */
const CASES = 20_000;
const SEED = 20_261_124;
const shares = TARGETS.reduce((sum, { share }) => sum + share, 0);

it.each(TARGETS)(
  'what is done to $name is read, or is one error that says what is wrong',
  { timeout: 1_200_000 },
  async ({ name, share }) => {
    const runs = Math.ceil((CASES * share) / shares);
    const outcomes = await fuzz({ target: name, runs, seed: SEED });
    const total = [...outcomes.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBe(runs);
    // The changes reach beyond the first check, and leave some files as good as they were.
    expect(outcomes.get('read')).toBeGreaterThan(runs / 100);
    expect(Math.max(...outcomes.values())).toBeLessThan(0.95 * runs);
  },
);

it('tells a case that behaves badly by the seed that makes it again', async () => {
  await expect(fuzz({ target: 'nonesuch', runs: 1, seed: 5 })).rejects.toThrow(/nonesuch: case 0 of seed 5 failed/);
});
