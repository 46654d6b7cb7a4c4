/** What must vanish at one level: its value, and its derivatives by the level below, the level itself and the level above. */
export type Condition = readonly [value: number, byBelow: number, byLevel: number, byAbove: number];

const MOST_STEPS = 200;
const SETTLED = 1e-12;

/**
 * Levels such that the condition of each holds, by Newton's method: a condition depends on a level and its two neighbours only, so a step is one
 * tridiagonal system. A step that would disorder the levels is halved until it does not. `fixed` levels stay as they are.
 */
export function solveLevels(
  start: readonly number[],
  fixed: (index: number) => boolean,
  condition: (index: number, levels: readonly number[]) => Condition,
): number[] {
  let levels = [...start];
  for (let i = 0; i < MOST_STEPS; i++) {
    const step = solveTridiagonal(levels.map((_, at) => (fixed(at) ? [0, 0, 1, 0] : condition(at, levels))));
    let share = 1;
    const moved = () => levels.map((level, at) => level - share * step[at]);
    while (moved().some((level, at, all) => at > 0 && !(all[at - 1] < level))) share /= 2;
    levels = moved();
    if (step.every((move) => Math.abs(move) < SETTLED)) return levels;
  }
  throw new RangeError('Levels do not settle.');
}

/** Elimination without pivoting: every row is dominated by its diagonal where this is used. */
function solveTridiagonal(rows: readonly Condition[]): number[] {
  const upper: number[] = [];
  const solution: number[] = [];
  for (const [i, [value, below, diagonal, above]] of rows.entries()) {
    const pivot = diagonal - (i > 0 ? below * upper[i - 1] : 0);
    upper.push(above / pivot);
    solution.push((value - (i > 0 ? below * solution[i - 1] : 0)) / pivot);
  }
  for (let i = rows.length - 2; i >= 0; i--) solution[i] -= upper[i] * solution[i + 1];
  return solution;
}
