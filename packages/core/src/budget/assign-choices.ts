/** What one item costs and loses under one of its choices. */
export interface Choice {
  /** A whole number >= 0. */
  readonly cost: number;
  /** Finite. */
  readonly loss: number;
}

/** A partial assignment: costs and losses of the items so far, and the way back. */
interface State {
  readonly cost: number;
  readonly loss: number;
  readonly choice: number;
  readonly before: State | undefined;
}

/**
 * The assignment of one choice to each item with the least sum of losses among all whose costs sum to at most `budget` (the multiple-choice
 * knapsack problem), or undefined where even the cheapest choices cost more. Exact: a dynamic program over undominated sums (Nemhauser and
 * Ullmann, 1969), from which those are left out that cannot become better than a known solution, by the Lagrangian bound. Of equal losses the
 * least cost. Returns indices of choices.
 */
export function assignChoices(items: readonly (readonly Choice[])[], budget: number): number[] | undefined {
  const kept = items.map(undominated);
  const cheapest = kept.map((choices) => choices[0]);
  if (sumOf(cheapest, ({ cost }) => cost) > budget) return undefined;
  const { price, known } = relax(kept, budget);
  // What items from i on lose at least, each bit at its price.
  const rest = new Float64Array(kept.length + 1);
  const least = new Float64Array(kept.length + 1);
  for (let i = kept.length - 1; i >= 0; i--) {
    rest[i] = rest[i + 1] + Math.min(...kept[i].map(({ cost, loss }) => loss + price * cost));
    least[i] = least[i + 1] + cheapest[i].cost;
  }
  const slack = 1e-9 * (Math.abs(known) + Math.abs(rest[0]));
  let states: State[] = [{ cost: 0, loss: 0, choice: -1, before: undefined }];
  for (const [i, choices] of kept.entries()) {
    const next: State[] = [];
    for (const before of states)
      for (const { index, cost, loss } of choices) {
        const sum = { cost: before.cost + cost, loss: before.loss + loss };
        if (sum.cost + least[i + 1] > budget) continue;
        if (sum.loss + rest[i + 1] - price * (budget - sum.cost) > known + slack) continue;
        next.push({ ...sum, choice: index, before });
      }
    states = undominatedStates(next);
  }
  const assignment: number[] = [];
  for (let state = states.at(-1)!; state.before; state = state.before) assignment.unshift(state.choice);
  return assignment;
}

interface Indexed extends Choice {
  readonly index: number;
}

/** By rising cost, each with less loss than all before it. */
function undominated(choices: readonly Choice[]): Indexed[] {
  const sorted = choices
    .map(({ cost, loss }, index) => ({ cost, loss, index }))
    .sort((a, b) => a.cost - b.cost || a.loss - b.loss || a.index - b.index);
  const kept: Indexed[] = [];
  for (const choice of sorted) if (kept.length === 0 || choice.loss < kept.at(-1)!.loss) kept.push(choice);
  return kept;
}

function undominatedStates(states: readonly State[]): State[] {
  const sorted = [...states].sort((a, b) => a.cost - b.cost || a.loss - b.loss);
  const kept: State[] = [];
  for (const state of sorted) if (kept.length === 0 || state.loss < kept.at(-1)!.loss) kept.push(state);
  return kept;
}

/**
 * The price of a unit of cost at which the relaxed problem spends the budget, and the loss of an assignment within it: the steps of each
 * item's lower convex hull are taken, largest gain for their cost first, for as long as they fit.
 */
function relax(items: readonly (readonly Indexed[])[], budget: number): { price: number; known: number } {
  const steps = items.flatMap((choices, item) => hullSteps(choices).map((step) => ({ ...step, item })));
  steps.sort((a, b) => b.gain / b.cost - a.gain / a.cost || a.item - b.item);
  let left = budget - sumOf(items, ([{ cost }]) => cost);
  let known = sumOf(items, ([{ loss }]) => loss);
  let price = 0;
  const blocked = new Set<number>();
  for (const { item, cost, gain } of steps) {
    if (blocked.has(item)) continue;
    if (cost <= left) {
      left -= cost;
      known -= gain;
    } else {
      // The first step that does not fit is the one that the relaxed problem takes in part.
      if (blocked.size === 0) price = gain / cost;
      blocked.add(item);
    }
  }
  return { price, known };
}

/** From one corner of the lower convex hull to the next: what it costs more, and what it loses less; gains for a cost fall. */
function hullSteps(choices: readonly Indexed[]): { cost: number; gain: number }[] {
  const steps: { cost: number; gain: number }[] = [];
  for (let i = 1; i < choices.length; i++) {
    let step = { cost: choices[i].cost - choices[i - 1].cost, gain: choices[i - 1].loss - choices[i].loss };
    while (steps.length > 0 && steps.at(-1)!.gain * step.cost <= step.gain * steps.at(-1)!.cost) {
      const last = steps.pop()!;
      step = { cost: last.cost + step.cost, gain: last.gain + step.gain };
    }
    steps.push(step);
  }
  return steps;
}

function sumOf<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}
